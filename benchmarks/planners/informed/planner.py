"""Expected improvement over landscapes drawn from what is known."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.planners.informed.family import Family, Guesses, normal
from benchmarks.planners.informed.posterior import Cloud
from benchmarks.planners.laboratory import Laboratory
from benchmarks.planners.landscapes import OPEN, TRAPS
from orchestrator.recipe import Point

_N_GUESSES, _N_DRAWN = 128, 8192
_LEAST_NOISE = 0.01  # rows without any would leave a single guess
_FIRST_MOVES, _LAST_MOVES = (3, 80), (10, 150)  # sweeps and their length, with all past rows
_MOVES, _SETTLING = (1, 80), (3, 120)  # with each further row
_MISLEADING = 0.25  # chance that the source is of another landscape
_N_RANDOM, _N_AROUND = 2000, 300
_MIXED = (2, 4, 8, 32)  # guessed tops that are averaged to a candidate
_CLOSER = (0.08, 0.05, 0.03, 0.015, 0.007)
_TERRAINS = {"open": OPEN, "traps": TRAPS}


class Informed:
    """A planner in a laboratory of hills, told what its family is drawn from and where films fail.

    It is not told where the hills lie, how high the best one is, whether there is a third one, or how like the source
    is. Failures of a sample teach it nothing.

    Args:
        laboratory: Where.

    Raises:
        ValueError: Its family has no hills.
    """

    def __init__(self, laboratory: Laboratory) -> None:
        if "hills" not in laboratory.traits:
            message = f"the informed planner knows of hills alone, not of {laboratory.family}"
            raise ValueError(message)
        self._laboratory, self._rng = laboratory, torch.Generator().manual_seed(laboratory.seed)
        self._family = Family(len(laboratory.space.names), _TERRAINS[str(laboratory.traits["terrain"])])
        self._noise = max(laboratory.noise, _LEAST_NOISE)
        self._X, self._y = self._rows(laboratory.initial)
        self._source_X, self._source_y = self._rows(laboratory.source)
        drawn = self._family.drawn(_N_DRAWN, self._rng)
        possible = drawn[self._is_possible(drawn)][torch.arange(_N_GUESSES)]
        self._cloud = Cloud(possible, self._is_possible, self._rng)
        self._cloud.learn(lambda guesses, share: share * self._likelihood(guesses, len(self._y), 1.0), *_FIRST_MOVES)
        self._cloud.move(self._all, 1.0, *_LAST_MOVES)

    def ask(self) -> Point:
        """Return the next point."""
        with torch.no_grad():
            hills = self._family.hills(self._cloud.guesses)
            best = hills.at(self._X).amax(1)

            def gain(X: Tensor) -> Tensor:
                found = torch.cat([torch.relu(hills.at(part) - best[:, None]).mean(0) for part in X.split(500)])
                return torch.where(self._fails(X), -1.0, found)

            X = self._candidates(hills.at(self._X).mean(0))
            gains = gain(X)
            for spread in _CLOSER:
                top = X[gains.argsort(descending=True)[:8]]
                near = (top.repeat(40, 1) + spread * normal(self._rng, 320, X.shape[1])).clamp(0, 1)
                X = torch.cat([top, near])
                gains = gain(X)
            return self._laboratory.space.decode(X[gains.argmax()][None].numpy())[0]

    def tell(self, point: Point, value: float | None, failure: str | None) -> None:  # noqa: ARG002 - the protocol's
        """Hear what came of a point."""
        if value is None:
            return
        X, y = self._rows([(point, value)])
        self._X, self._y = torch.cat([self._X, X]), torch.cat([self._y, y])
        self._cloud.learn(self._all, *_MOVES)
        self._cloud.move(self._all, 1.0, *_SETTLING)

    def _all(self, guesses: Guesses, share: float) -> Tensor:
        return self._likelihood(guesses, len(self._y) - 1, share)

    def _likelihood(self, guesses: Guesses, n_known: int, share: float) -> Tensor:
        """Return the log likelihood of each guess, rows beyond the first n counting so much."""
        hills = self._family.hills(guesses)
        rows = self._misses(hills.at(self._X), self._y)
        like = self._misses(self._family.source(guesses, hills).at(self._source_X), self._source_y).sum(1)
        spread = self._source_y.std()
        unlike = -0.5 * (((self._source_y - self._source_y.mean()) / spread) ** 2).sum()
        unlike = unlike - len(self._source_y) * torch.log(spread / self._noise)
        source = torch.logaddexp(like + np.log(1 - _MISLEADING), unlike + np.log(_MISLEADING))
        new = share * rows[:, n_known:].sum(1)
        return rows[:, :n_known].sum(1) + new + source + self._family.crowding(guesses)

    def _misses(self, values: Tensor, measured: Tensor) -> Tensor:
        return -0.5 * ((torch.log(values) - measured) / self._noise) ** 2

    def _candidates(self, reached: Tensor) -> Tensor:
        tops = self._family.tops(self._cloud.guesses).flatten(0, 1)
        n, rng = tops.shape[1], self._rng
        best = self._X[reached.argmax()]
        mixed = [
            torch.stack([tops[torch.randint(len(tops), (k,), generator=rng)].mean(0) for _ in range(60)])
            for k in _MIXED
        ]
        around = best + 0.1 * normal(rng, _N_AROUND, n)
        beside = tops + 0.05 * normal(rng, *tops.shape)
        return torch.cat(
            [tops, torch.rand(_N_RANDOM, n, generator=rng, dtype=tops.dtype), around, beside, *mixed]
        ).clamp(0, 1)

    def _is_possible(self, guesses: Guesses) -> Tensor:
        return ~self._fails(self._family.tops(guesses)[:, 0])

    def _fails(self, X: Tensor) -> Tensor:
        return torch.from_numpy(np.asarray(self._laboratory.fails(self._laboratory.space.decode(X.detach().numpy()))))

    def _rows(self, rows: Sequence[tuple[Point, float]]) -> tuple[Tensor, Tensor]:
        points, values = zip(*rows, strict=True)
        return torch.from_numpy(self._laboratory.space.encode(points)), torch.from_numpy(np.log(values))
