"""What a prediction depends on: shares of variance over a grid, Shapley values, permutation importance, the window.

Knows arrays and functions of arrays alone.
Must not know parameters by name, ledgers or drawings; who asks puts names and units to the numbers.
"""
