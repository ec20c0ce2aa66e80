"""What people read while a campaign runs and when it ends: the live table, plain lines, the closing words.

Knows the ledger's state and how to say numbers, units and failures in words.
Must not know how a campaign is driven: it is told of events, and everything shown is read from the ledger.
Instrument text is untrusted: control characters are stripped, markup is escaped.
"""
