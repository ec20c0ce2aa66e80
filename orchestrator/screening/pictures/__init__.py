"""The pictures of a screening: maps, fits, errors, influence; one module a kind.

Rule of this room: a picture shows what a screening holds and computes nothing but predictions along its axes.
"""
