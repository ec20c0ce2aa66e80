"""Replay: ask a ledger again - whether it is whole, how it stood, what another planner would have done.

Knows how to read a ledger, rebuild the planner it holds and set two campaigns side by side.
Must not know instruments or recipes: nothing is performed again. Only a verdict is ever appended.
"""
