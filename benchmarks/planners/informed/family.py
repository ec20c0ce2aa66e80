"""What landscapes of a family are drawn from, as something to infer: numbers that are standard normal beforehand."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from benchmarks.planners.gaussians import DIFFERENCES, GAIN
from benchmarks.planners.landscapes import CENTRES, CLEARANCE, SWELL, SWELL_WIDTH, Terrain

_N_HILLS = 3  # the third may be hardly there
_THIRD = (0.0, 0.8)  # its height, the highest hill's being one
_LEVEL, _SPREAD_OF_LEVEL = 0.45, 0.5  # of the logarithm of the highest hill: no planner is told how high it is
_SOFTNESS = 0.02  # by which the clearance between tops may be missed
_NORMAL = Normal(torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))


@dataclass(frozen=True)
class Guesses:
    """Landscapes as points of a space in which chance is simple.

    Args:
        z: Standard normal beforehand, shape (n, family.n_numbers).
        turns: Rotations of the hills, evenly spread beforehand, shape (n, n_hills, n_parameters, n_parameters).
    """

    z: Tensor
    turns: Tensor

    def __len__(self) -> int:
        """How many there are."""
        return len(self.z)

    def where(self, which: Tensor, others: "Guesses") -> "Guesses":
        """Return these where a flag is set, shape (n,), and others elsewhere."""
        chosen = torch.where(which[:, None], self.z, others.z)
        return Guesses(chosen, torch.where(which[:, None, None, None], self.turns, others.turns))

    def __getitem__(self, which: Tensor) -> "Guesses":
        """Return some of them."""
        return Guesses(self.z[which], self.turns[which])


@dataclass(frozen=True)
class Heaps:
    """The hills of many landscapes; of each the last one is the swell.

    Args:
        centres: Shape (n, n_hills + 1, n_parameters).
        roots: Of the hills without the swell, shape (n, n_hills, n_parameters, n_parameters).
        heights: Shape (n, n_hills + 1).
        swell_width: One for all.
    """

    centres: Tensor
    roots: Tensor
    heights: Tensor
    swell_width: float

    def at(self, X: Tensor) -> Tensor:
        """Return the heights at points of the unit cube, shape (n, n_points)."""
        away = X[None, None] - self.centres[:, :, None]
        widths = torch.einsum("phij,phmj->phmi", self.roots, away[:, :-1])
        squares = torch.cat([(widths**2).sum(-1), ((away[:, -1:] / self.swell_width) ** 2).sum(-1)], 1)
        return (self.heights[..., None] * torch.exp(-0.5 * squares)).sum(1)


class Family:
    """Hills over a swell, and a source tool of which it is not known how like it is.

    Args:
        n_parameters: How many parameters.
        terrain: What hills are drawn from.
    """

    def __init__(self, n_parameters: int, terrain: Terrain) -> None:
        n, h = n_parameters, _N_HILLS
        self._n, self._terrain, self._scale = n, terrain, float(np.sqrt(n / 3))
        ranges = torch.tensor([terrain.first_widths] + [terrain.widths] * (h - 1), dtype=torch.float64) * self._scale
        self._low, self._high = ranges[:, :1], ranges[:, 1:]
        sizes = {"centres": h * n, "widths": h * n, "second": 1, "third": 1, "swell": 1, "swell centre": n, "level": 1}
        sizes |= {"moved": (h + 1) * n, "uneven": h + 1, "gain": 1, "likeness": 1}
        ends = np.cumsum(list(sizes.values())).tolist()
        self._places = {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}
        self.n_numbers = int(ends[-1])

    def drawn(self, n: int, rng: torch.Generator) -> Guesses:
        """Return landscapes as they are before anything is measured."""
        q, r = torch.linalg.qr(normal(rng, n, _N_HILLS, self._n, self._n))
        turns = q * torch.sign(torch.diagonal(r, dim1=-2, dim2=-1))[..., None, :]
        return Guesses(normal(rng, n, self.n_numbers), turns)

    def tops(self, guesses: Guesses) -> Tensor:
        """Return the centres of the hills, the highest one first, shape (n, n_hills, n_parameters)."""
        z = guesses.z[:, self._places["centres"]].reshape(len(guesses), _N_HILLS, self._n)
        return _uniform(z, *CENTRES)

    def hills(self, guesses: Guesses) -> Heaps:
        """Return the landscapes of this tool."""
        part = {name: guesses.z[:, place] for name, place in self._places.items()}
        shares = [_uniform(part["second"], *self._terrain.second), _uniform(part["third"], *_THIRD)]
        heights = torch.cat([torch.ones_like(shares[0]), *shares, _uniform(part["swell"], *SWELL)], 1)
        widths = _uniform(part["widths"].reshape(len(guesses), _N_HILLS, self._n), self._low, self._high)
        centres = torch.cat([self.tops(guesses), _uniform(part["swell centre"], 0.0, 1.0)[:, None]], 1)
        level = torch.exp(_LEVEL + _SPREAD_OF_LEVEL * part["level"])
        return Heaps(centres, guesses.turns / widths[..., :, None], level * heights, SWELL_WIDTH * self._scale)

    def source(self, guesses: Guesses, hills: Heaps) -> Heaps:
        """Return the landscapes of the source's tool, wherever it is like this one at all."""
        part = {name: guesses.z[:, place] for name, place in self._places.items()}
        likeness = _NORMAL.cdf(part["likeness"])
        apart, uneven = (
            a * (b / a) ** likeness for a, b in zip(DIFFERENCES["near"], DIFFERENCES["related"], strict=True)
        )
        centres = hills.centres + apart[:, None] * part["moved"].reshape(hills.centres.shape)
        heights = hills.heights * _uniform(part["gain"], *GAIN) * torch.exp(uneven * part["uneven"])
        return Heaps(centres, hills.roots, heights, hills.swell_width)

    def crowding(self, guesses: Guesses) -> Tensor:
        """Return the logarithm of how well the tops keep apart, up to a constant, shape (n,)."""
        tops = self.tops(guesses)
        gaps = torch.stack([(tops[:, i] - tops[:, j]).norm(dim=1) for i in range(_N_HILLS) for j in range(i)])
        return -((torch.relu(CLEARANCE * self._scale - gaps) / _SOFTNESS) ** 2).sum(0) / 2


def normal(rng: torch.Generator, *shape: int) -> Tensor:
    """Return standard normal numbers in double precision."""
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def _uniform(z: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    return low + (high - low) * _NORMAL.cdf(z)
