"""Studies: one folder each, joining the loop to a laboratory.

Knows its recipe (from a point to a value), its data with provenance and its own figures.
Must not know how the loop plans or records: it yields commands and returns what it measured.
May import `orchestrator` and `instruments`; nothing imports it but the YAML.
"""
