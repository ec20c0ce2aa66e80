"""The sputter tool: from distance, power and pressure to a film.

Knows the physics of sputtered LiPON, the durations and faults of a deposition, wear and drift of the tool.
Must not know how a film is measured, nor which point is good: it makes what it is told and reports its read-backs.
What a film really is stays on the laboratory's shelf, where only the simulated instruments look.
"""
