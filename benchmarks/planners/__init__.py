"""Planners against one another in families of simulated laboratories and in tables of past measurements.

How to run it, what the words mean and the figures: docs/planner.md.
"""
