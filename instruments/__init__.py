"""The laboratory: drivers for instruments, simulated, recorded, real or human.

Knows physics, wire formats, durations and faults, and the driver protocol they share (`instruments.driver`).
Must not know the loop: no planner, no ledger, no clock, no campaign.
A driver is one plain class; the YAML names it by entry point (`campaign.instruments`) or as `package.module:Class`.
"""
