"""People as instruments: asked in the terminal, or by work orders in a folder, and answering in values or files.

Knows what a person can be asked and how, what may be written for an answer, and the files of spectra that people save.
Must not know the tools they work at, nor the loop; what is asked stands in the YAML.
"""
