"""Files of people: text and tables that somebody has named, and cells that somebody will open in a spreadsheet.

Knows bytes, text, and the line each cell stands on, so that every complaint can name it.
Must not know parameters, objectives or keys of a configuration: what the text means is the caller's business.
"""
