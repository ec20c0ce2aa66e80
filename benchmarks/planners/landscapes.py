"""Landscapes of hills in the unit cube, and regions in which nothing can be made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Score = Callable[[FloatArray], FloatArray]

CENTRES = (0.1, 0.9)  # where along each axis the top of a hill may lie
CLEARANCE = 0.5  # between the tops, in a unit cube of three parameters
SWELL, SWELL_WIDTH = (0.15, 0.45), 0.7  # its height, the highest hill's being one, and its width in three parameters
_THIRD = (0.4, 0.8)  # height of the third hill
_N_SAMPLES = 8192


@dataclass(frozen=True)
class Hills:
    """A sum of rotated Gaussian hills over a broad swell.

    Args:
        centres: Shape (n_hills, n_parameters); the first is the highest hill's, the last the swell's.
        roots: One matrix a hill, shape (n_hills, n_parameters, n_parameters): |root (x - centre)| is the distance in
            widths.
        heights: Shape (n_hills,).
    """

    centres: FloatArray
    roots: FloatArray
    heights: FloatArray

    def parts(self, X: FloatArray) -> FloatArray:
        """Return what each hill contributes, shape (n_points, n_hills)."""
        away = np.einsum("hij,nhj->nhi", self.roots, X[:, None] - self.centres[None])
        return np.asarray(self.heights * np.exp(-0.5 * (away**2).sum(axis=2)), dtype=float)

    def __call__(self, X: FloatArray) -> FloatArray:
        """Return the height at rows of the unit cube, shape (n_points,)."""
        return np.asarray(self.parts(X).sum(axis=1), dtype=float)

    def moved(self, by: FloatArray, factors: FloatArray) -> "Hills":
        """Return other hills: centres moved, heights multiplied."""
        return replace(self, centres=self.centres + by, heights=self.heights * factors)


@dataclass(frozen=True)
class Terrain:
    """What hills are drawn from; lengths in a unit cube of three parameters, scaled up for more.

    Args:
        widths: Smallest and largest width of the hills along their axes.
        first_widths: The same for the highest hill.
        second: Smallest and largest height of the second hill, the first being one.
        is_trap: Whether past rows lie around the second hill, which can be made and stays clearly below the first.
    """

    widths: tuple[float, float] = (0.16, 0.36)
    first_widths: tuple[float, float] = (0.16, 0.36)
    second: tuple[float, float] = (0.70, 0.92)
    is_trap: bool = False


OPEN = Terrain()
TRAPS = Terrain(widths=(0.2, 0.4), first_widths=(0.12, 0.22), second=(0.85, 0.93), is_trap=True)


def random_hills(n_parameters: int, rng: np.random.Generator, terrain: Terrain = OPEN) -> Hills:
    """Draw two or three hills apart from one another, the second clearly lower than the first, and a swell."""
    n_hills, scale = int(rng.integers(2, 4)), np.sqrt(n_parameters / 3)
    centres = _apart(n_hills, n_parameters, CLEARANCE * scale, rng)
    heights = np.array([1.0, rng.uniform(*terrain.second), rng.uniform(*_THIRD)][:n_hills])
    low, high = np.array([terrain.first_widths] + [terrain.widths] * (n_hills - 1)).T[:, :, None]
    widths = scale * (low + (high - low) * rng.random((n_hills, n_parameters)))
    roots = [np.diag(1 / width) @ _rotation(n_parameters, rng) for width in widths]
    swell = np.eye(n_parameters) / (SWELL_WIDTH * scale)
    return Hills(
        np.vstack([centres, rng.random((1, n_parameters))]),
        np.array([*roots, swell]),
        np.append(heights, rng.uniform(*SWELL)),
    )


def _apart(n: int, n_parameters: int, least: float, rng: np.random.Generator) -> FloatArray:
    while True:
        centres = rng.uniform(*CENTRES, (n, n_parameters))
        gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)[np.triu_indices(n, 1)]
        if gaps.min() > least:
            return centres


def _rotation(n: int, rng: np.random.Generator) -> FloatArray:
    q, r = np.linalg.qr(rng.standard_normal((n, n)))
    return np.asarray(q * np.sign(np.diag(r)), dtype=float)


def _corner(n: int, rng: np.random.Generator) -> Score:
    corner, used = rng.integers(0, 2, n), rng.permutation(n)[:3]
    return lambda X: -np.abs(X - corner)[:, used].max(axis=1)


def _half_space(n: int, rng: np.random.Generator) -> Score:
    normal = rng.standard_normal(n)
    return lambda X: X @ normal


def _ball(n: int, rng: np.random.Generator) -> Score:
    centre = rng.uniform(0.1, 0.9, n)
    return lambda X: -np.linalg.norm(X - centre, axis=1)


def _shell(n: int, rng: np.random.Generator) -> Score:
    centre, radius = rng.integers(0, 2, n), rng.uniform(0.5, 0.9) * np.sqrt(n / 3)
    return lambda X: -np.abs(np.linalg.norm(X - centre, axis=1) - radius)


def _hyperbola(n: int, rng: np.random.Generator) -> Score:
    first, second = rng.permutation(n)[:2]
    turned = rng.integers(0, 2, n)
    return lambda X: -(np.abs(X - turned)[:, first] + 0.05) * (np.abs(X - turned)[:, second] + 0.05)


SHAPES: Mapping[str, Callable[[int, np.random.Generator], Score]] = {
    "corner": _corner,
    "half-space": _half_space,
    "ball": _ball,
    "shell": _shell,
    "hyperbola": _hyperbola,
}


@dataclass(frozen=True)
class Region:
    """Where nothing can be made: where a score is above a threshold.

    Args:
        shape: The name of its shape.
        score: Of rows of the unit cube.
        threshold: Chosen so that the region takes its share of the space.
    """

    shape: str
    score: Score
    threshold: float

    def __call__(self, X: FloatArray) -> NDArray[np.bool_]:
        """Return whether rows of the unit cube lie in the region."""
        return np.asarray(self.score(X) > self.threshold)


def random_region(shape: str, n_parameters: int, share: float, rng: np.random.Generator) -> Region:
    """Draw a failing region of a shape that takes a share of the unit cube."""
    score = SHAPES[shape](n_parameters, rng)
    return Region(shape, score, float(np.quantile(score(rng.random((_N_SAMPLES, n_parameters))), 1 - share)))


def highest(truth: Score, fails: Callable[[FloatArray], NDArray[np.bool_]], n: int) -> tuple[FloatArray, float, float]:
    """Return the best feasible point of the unit cube, its value, and the smallest feasible value of a large sample.

    Sampling around the best points seen, closer and closer: good to about 1e-4 of the value, the same everywhere.
    """
    rng = np.random.default_rng(n)
    X = rng.random((2 * _N_SAMPLES, n))
    X = X[~fails(X)]
    y = truth(X)
    floor, spread = float(y.min()), 0.1
    for _ in range(40):
        best = np.argsort(-y, kind="stable")[:16]
        X, y = X[best], y[best]
        new = np.clip(np.repeat(X, 24, axis=0) + spread * rng.standard_normal((384, n)), 0, 1)
        new = new[~fails(new)]
        X, y = np.vstack([X, new]), np.append(y, truth(new))
        spread *= 0.85
    return X[y.argmax()], float(y.max()), floor
