"""Screening: every surrogate on the same rows, side by side, with figures that can be believed.

Knows models, their errors on seen and unseen rows, what they recommend and how far that can be trusted.
Must not know instruments; a simulated tool's truth reaches it by the name in the YAML.
"""
