"""CORAL: move the rows of a source so that they have the mean and covariance of the target."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_NULL = 1e-10  # eigenvalues below this share of the largest count as zero


def align(source: FloatArray, target: FloatArray, *, ridge: float = 0.0) -> FloatArray:
    """Return the source rows with the second-order statistics of the target.

        D_S* = (D_S - mean(D_S)) C_S^(-1/2) C_T^(1/2) + mean(D_T)

    C_S is the covariance of the source as it came; equation 7 of the LiPON paper as printed puts the covariance of the
    already aligned rows there, which by its equation 3 is the identity map. The means, which the printed formula leaves
    apart, are aligned too. Directions in which the source does not vary are left out of the inverse (Moore-Penrose).

    Args:
        source: Rows of the source, shape (n_source, n_columns), at least two.
        target: Rows of the target, shape (n_target, n_columns), at least two.
        ridge: Added to the eigenvalues of both covariances, in squared units of the columns; steadies few rows.

    Raises:
        ValueError: Fewer than two rows, or different columns.

    Source: Sun, Feng, Saenko, "Return of Frustratingly Easy Domain Adaptation", AAAI 2016, algorithm 1.
    """
    if source.shape[1:] != target.shape[1:] or min(len(source), len(target)) < 2:
        message = (
            f"CORAL: source of shape {source.shape} and target of shape {target.shape}; "
            "both need at least two rows and the same columns"
        )
        raise ValueError(message)
    whitening = _power(np.cov(source, rowvar=False), -0.5, ridge)
    colouring = _power(np.cov(target, rowvar=False), 0.5, ridge)
    centred = source - source.mean(axis=0)
    return np.asarray(centred @ whitening @ colouring + target.mean(axis=0), dtype=float)


def _power(covariance: FloatArray, exponent: float, ridge: float) -> FloatArray:
    """Return a symmetric power of a covariance, zero on its null space."""
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    spans = values > _NULL * max(values[-1], np.finfo(float).tiny)
    powers = np.where(spans, (np.where(spans, values, 1.0) + ridge) ** exponent, 0.0)
    return np.asarray(vectors * powers @ vectors.T, dtype=float)
