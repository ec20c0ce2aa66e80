"""What a process over two tools may look like: many shapes at once, drawn from what is usual and varied."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from orchestrator.surrogates import bends

FloatArray = NDArray[np.float64]
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

_USUAL_LENGTH, _SPREAD_OF_LENGTH = 0.5, 0.8  # per root of columns over three; of the logarithm
_USUAL_NOISE, _SPREAD_OF_NOISE = 1e-2, 2.0  # variance per signal variance; of the logarithm
_NOISES = (1e-5, 1.0)  # the smallest and the largest
_SPREAD_OF_SIZE = 0.4  # of the source's variation in that of the target, of the logarithm
_USUAL_TILT, _TILT_STEP = 2.0, 0.8  # reciprocal length by column, standard deviation; and that of a step of it
_CHANCE_OF_TILT, _CHANCE_OF_TREND = 0.5, 0.1
_TILTED_FURTHER = 0.5  # chance that a column of the tilt is stepped where a shape is varied
_TURNED = 0.15  # chance that tilt or trend is taken up or left where a shape is varied
_BENT_ANEW = 0.25  # chance that a column's bend, or the way, is drawn anew where a shape is varied


@dataclass(frozen=True)
class Way:
    """How the source's rows bear on the target.

    Args:
        name: In a word.
        prior: Probability, before any row is seen.
        correlation: Of the two tools in one process.
        borrowed: Size of the source's CORAL-SVR prediction as a term of the target, in its standard deviations.
    """

    name: str
    prior: float
    correlation: float = 0.0
    borrowed: float = 0.0

    @property
    def weight(self) -> float:
        """How much of the source there is in a prediction, from 0 to 1."""
        return min(self.correlation + self.borrowed, 1.0)


@dataclass(frozen=True)
class Shapes:
    """Shapes of a process, one a row.

    Args:
        lengths: Logarithms of the kernel lengths, shape (n_shapes, n_columns).
        noise: Logarithm of noise variance per signal variance, shape (n_shapes,).
        size: Logarithm of the source's variation in that of the target, shape (n_shapes,).
        bends: Places in `bends.BENDS`, shape (n_shapes, n_columns).
        way: Places in the ways in which the source may bear on the target, shape (n_shapes,).
        tilt: A direction askew to the columns along which the process varies too, in reciprocal lengths, shape
            (n_shapes, n_columns): ridges seldom run along a column.
        is_tilted: Whether that direction counts, shape (n_shapes,).
        has_trend: Whether a quadratic function of the columns lies under the process, shape (n_shapes,).

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 5.1, the factor analysis
    distance with one factor.
    """

    lengths: FloatArray
    noise: FloatArray
    size: FloatArray
    bends: Places
    way: Places
    tilt: FloatArray
    is_tilted: Flags
    has_trend: Flags

    @classmethod
    def usual(cls, n: int, n_columns: int, ways: Sequence[Way], rng: np.random.Generator) -> Self:
        """Draw shapes before any row is seen; the first has the usual lengths and noise."""
        spread = np.r_[0.0, np.ones(n - 1)]
        return cls(
            _usual_length(n_columns) + _SPREAD_OF_LENGTH * spread[:, None] * rng.standard_normal((n, n_columns)),
            np.clip(np.log(_USUAL_NOISE) + _SPREAD_OF_NOISE * spread * rng.standard_normal(n), *np.log(_NOISES)),
            _SPREAD_OF_SIZE * spread * rng.standard_normal(n) * (len(ways) > 1),
            rng.choice(len(bends.BENDS), (n, n_columns), p=bends.PRIOR),
            rng.choice(len(ways), n, p=[way.prior for way in ways]),
            _USUAL_TILT * rng.standard_normal((n, n_columns)),
            (rng.random(n) < _CHANCE_OF_TILT) & (n_columns > 1),
            rng.random(n) < _CHANCE_OF_TREND,
        )

    def __len__(self) -> int:
        """How many there are."""
        return len(self.noise)

    def __getitem__(self, which: slice | Places | NDArray[np.bool_]) -> "Shapes":
        """Return some of them."""
        return Shapes(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    def joined(self, others: "Shapes") -> "Shapes":
        """Return these and others after them."""
        return Shapes(
            *(np.concatenate([getattr(self, name), getattr(others, name)]) for name in self.__dataclass_fields__)
        )

    def varied(self, ways: Sequence[Way], rng: np.random.Generator, steps: FloatArray) -> "Shapes":
        """Return each with random steps, bends, tilts, trends and ways.

        Args:
            ways: In which the source may bear on the target.
            rng: What is drawn from.
            steps: Standard deviations of the steps of the lengths and, last, of the noise, shape
                (n_shapes, n_columns + 1); both are logarithms.
        """
        n, n_columns = self.lengths.shape
        moved = steps * rng.standard_normal(steps.shape)
        anew = rng.random((n, n_columns)) < _BENT_ANEW
        turned = _TILT_STEP * rng.standard_normal((n, n_columns)) * (rng.random((n, n_columns)) < _TILTED_FURTHER)
        flips = rng.random((2, n)) < _TURNED
        found = replace(
            self,
            lengths=self.lengths + moved[:, :-1],
            noise=self.noise + moved[:, -1],
            bends=np.where(anew, rng.integers(len(bends.BENDS), size=anew.shape), self.bends),
            tilt=self.tilt + turned,
            is_tilted=(self.is_tilted ^ flips[0]) & (n_columns > 1),
            has_trend=self.has_trend ^ flips[1],
        )
        if len(ways) == 1:
            return found
        other = rng.random(n) < _BENT_ANEW
        return replace(
            found,
            size=self.size + 0.5 * _SPREAD_OF_SIZE * rng.standard_normal(n),
            way=np.where(other, rng.integers(len(ways), size=n), self.way),
        )

    def prior(self, ways: Sequence[Way]) -> FloatArray:
        """Return the logarithm of the probability density before any row is seen, up to a constant."""
        usual = _usual_length(self.lengths.shape[1])
        squares = (((self.lengths - usual) / _SPREAD_OF_LENGTH) ** 2).sum(axis=1)
        squares += ((self.noise - np.log(_USUAL_NOISE)) / _SPREAD_OF_NOISE) ** 2 + (self.size / _SPREAD_OF_SIZE) ** 2
        squares += ((self.tilt / _USUAL_TILT) ** 2).sum(axis=1)
        chance = np.log(np.where(self.is_tilted, _CHANCE_OF_TILT, 1 - _CHANCE_OF_TILT))
        chance += np.log(np.where(self.has_trend, _CHANCE_OF_TREND, 1 - _CHANCE_OF_TREND))
        chance += np.log(bends.PRIOR)[self.bends].sum(axis=1) + np.log([way.prior for way in ways])[self.way]
        least, most = np.log(_NOISES)
        return np.asarray(np.where((self.noise < least) | (self.noise > most), -np.inf, chance - 0.5 * squares))


def _usual_length(n_columns: int) -> float:
    return float(np.log(_USUAL_LENGTH * np.sqrt(n_columns / 3)))
