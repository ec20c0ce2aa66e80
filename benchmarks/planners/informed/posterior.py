"""Landscapes drawn from what is known of them: a cloud that follows the rows one by one.

Source: Del Moral, Doucet, Jasra, J. R. Stat. Soc. B 68, 411 (2006), for the cloud; Duane, Kennedy, Pendleton, Roweth,
Phys. Lett. B 195, 216 (1987), for its moves.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.planners.informed.family import Guesses, normal

Tempered = Callable[[Guesses, float], Tensor]  # log likelihood of each, the newest knowledge counting so much

_LEAST_EFFECTIVE = 0.7  # of the cloud after a step
_ACCEPTED = 0.7  # of the moves
_STEPS = (0.001, 1.0)  # smallest and largest, per width of the likelihood
_FIRST_STEP, _ADAPTATION = 0.3, 0.5
_BISECTIONS = 30
_NOWHERE = -1e9


class Cloud:
    """Guesses that stand for what is known.

    Args:
        guesses: Drawn before anything is known.
        is_possible: Which guesses are possible at all, shape (n,).
        rng: What is drawn from.
    """

    def __init__(self, guesses: Guesses, is_possible: Callable[[Guesses], Tensor], rng: torch.Generator) -> None:
        self.guesses, self._is_possible, self._rng = guesses, is_possible, rng
        self._step = _FIRST_STEP

    def learn(self, likelihood: Tempered, sweeps: int, length: int) -> None:
        """Take new knowledge in little by little, as little as leaves most of the cloud alive each time."""
        share = 0.0
        while share < 1.0:
            with torch.no_grad():
                gain = likelihood(self.guesses, 1.0) - likelihood(self.guesses, 0.0)
            more = _bearable(torch.nan_to_num(gain, nan=_NOWHERE), 1.0 - share)
            self._resample(more * gain)
            share = min(share + more, 1.0)
            self.move(likelihood, share, sweeps, length)

    def move(self, likelihood: Tempered, share: float, sweeps: int, length: int) -> None:
        """Move every guess at random, leaving the cloud's distribution as it is: Hamiltonian Monte Carlo.

        Rotations move along the rotation group, all else along straight lines, each as fast as the likelihood is wide.
        """
        for _ in range(sweeps):
            start = _Motion(self.guesses, likelihood, share)
            fast, fast_turns = start.widths()
            step = self._step * (0.5 + torch.rand(len(self.guesses), 1, generator=self._rng, dtype=torch.float64))
            push, spin = start.kicked(self._rng)
            energy = start.value - _kinetic(push, spin)
            now, n_steps = start, int(length * (0.5 + torch.rand(1, generator=self._rng).item()))
            for i in range(2 * n_steps):  # half a kick, a drift and half a kick each time
                if i % 2:
                    there = _drifted(now.guesses, step * fast * push, _by(step, fast_turns) * spin)
                    now = _Motion(there, likelihood, share)
                push = push + 0.5 * step * fast * now.slope
                spin = spin + 0.5 * _by(step, fast_turns) * now.torque
            change = torch.nan_to_num(now.value - _kinetic(push, spin) - energy, nan=_NOWHERE)
            taken = torch.log(torch.rand(len(self.guesses), generator=self._rng)) < change
            taken &= self._is_possible(now.guesses)
            self.guesses = now.guesses.where(taken, self.guesses)
            found = self._step * float(torch.exp(_ADAPTATION * (taken.double().mean() - _ACCEPTED)))
            self._step = min(max(found, _STEPS[0]), _STEPS[1])

    def _resample(self, log_weights: Tensor) -> None:
        n = len(self.guesses)
        chance = torch.cumsum(torch.softmax(log_weights, 0), 0)
        at = (torch.arange(n) + torch.rand(1, generator=self._rng)) / n
        self.guesses = self.guesses[torch.searchsorted(chance, at).clamp(max=n - 1)]


class _Motion:
    """Where a guess is on its way, and what pulls at it."""

    def __init__(self, guesses: Guesses, likelihood: Tempered, share: float) -> None:
        z, turns = guesses.z.detach().requires_grad_(), guesses.turns.detach().requires_grad_()
        value = likelihood(Guesses(z, turns), share) - 0.5 * (z**2).sum(1)
        slope, twist = torch.autograd.grad(value.sum(), (z, turns))
        self.guesses, self.value = Guesses(z.detach(), turns.detach()), value.detach()
        self.slope = torch.nan_to_num(slope)
        inner = self.guesses.turns.transpose(-1, -2) @ torch.nan_to_num(twist)
        self.torque = inner - inner.transpose(-1, -2)

    def widths(self) -> tuple[Tensor, Tensor]:
        """Return how wide the distribution is along each number and about each rotation: steep is narrow."""
        squares = self.slope**2
        usual = torch.sqrt(squares.mean(0) * squares.median(0).values)  # a few guesses on a cliff are not the rule
        return 1 / torch.sqrt(usual + 1), 1 / torch.sqrt((self.torque**2).mean((0, 2, 3)) + 1)

    def kicked(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return random momenta of the numbers and of the rotations."""
        upper = torch.triu(normal(rng, *self.guesses.turns.shape), 1)
        return normal(rng, *self.guesses.z.shape), upper - upper.transpose(-1, -2)


def _by(step: Tensor, fast_turns: Tensor) -> Tensor:
    return (step * fast_turns)[:, :, None, None]


def _kinetic(push: Tensor, spin: Tensor) -> Tensor:
    return 0.5 * (push**2).sum(1) + 0.25 * (spin**2).sum((1, 2, 3))


def _drifted(guesses: Guesses, by: Tensor, turned: Tensor) -> Guesses:
    eye = torch.eye(turned.shape[-1], dtype=turned.dtype)
    turn = torch.linalg.solve(eye - 0.5 * turned, eye + 0.5 * turned)  # Cayley's map: a rotation exactly
    return Guesses(guesses.z + by, guesses.turns @ turn)


def _bearable(gain: Tensor, most: float) -> float:
    """Return how much of new knowledge leaves most of the cloud alive."""

    def alive(share: float) -> float:
        weights = torch.softmax(share * gain, 0)
        return float(1 / (weights**2).sum()) / len(gain)

    low, high = 0.0, most
    if alive(high) >= _LEAST_EFFECTIVE:
        return high
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if alive(middle) >= _LEAST_EFFECTIVE else (low, middle)
    return max(low, 1e-6)
