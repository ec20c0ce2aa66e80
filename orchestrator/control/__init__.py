"""Control: what a person does about a running campaign from another terminal: look, pause, stop.

Knows the ledger, its inbox, and who holds its lock.
Must not know the engine: a request is left in the inbox, and the campaign that runs follows it.
"""
