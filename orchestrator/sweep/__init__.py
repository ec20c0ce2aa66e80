"""Sweeps: many simulated campaigns at once, to choose a planner or a laboratory before anything real moves.

Knows variations of a configuration, seeds, workers, what is kept of a campaign, and regret.
Must not know instruments or planners: a campaign is performed as `run-campaign` performs it, into a ledger in memory.
"""
