"""Seeded generators: every stream of chance is derived from the campaign's seed and what it is for."""

import hashlib

import numpy as np


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the generator for one purpose, the same in every process and on every machine.

    Args:
        seed: The campaign's seed.
        purpose: What it is for, for example `("step", "7.1.2")`.
    """
    digest = hashlib.sha256("/".join(map(str, (seed, *purpose))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
