"""The impedance analyzer: from a sample with an electrode to a spectrum, and from a spectrum to a circuit.

Knows the impedance of an ionic conductor between blocking electrodes, the flaws of a real sweep, the circuit fit and
the tests a spectrum must pass before it counts.
Must not know how the film was made, nor what a conductivity is good for.
"""
