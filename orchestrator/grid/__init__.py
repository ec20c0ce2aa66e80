"""Exhaustive traversal: the predictions of a fitted model at every point of a grid, and the exact maximum of them.

Knows axes, fitted models and which of them take a grid apart. Works in blocks, so that memory stays small.
Must not know points, parameters or acquisitions: columns of numbers alone, in the units the model was fitted in.
"""

from orchestrator.grid.traversal import Block, Maximum, blocks, maximum, traverse

__all__ = ["Block", "Maximum", "blocks", "maximum", "traverse"]
