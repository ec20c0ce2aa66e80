"""Modbus TCP: register maps in YAML, a link with strict reading, and the emulated controller at its other end.

Knows registers, coils and exchanges.
Must not know what a sputter tool is.
"""
