"""What people read in a terminal: the live table, plain lines, the closing words, and what a command complains of.

Knows the ledger's state and how to say numbers, units and failures in words.
Must not know how a campaign is driven: it is told of events, and everything shown is read from the ledger.
Instrument text is untrusted: control characters are stripped, markup is escaped.
"""
