"""CORAL-SVR with an averaged process on what it leaves: many likely shapes are asked, not the likeliest one.

A few dozen rows never say how smooth a landscape is. A model that settles on one answer is too sure of it: it holds a
wide hill for the whole landscape and never looks for a narrow one. Members that differ in shape say where they differ.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from orchestrator.chance import stream
from orchestrator.surrogates.member import Member
from orchestrator.surrogates.mixture import mixed
from orchestrator.surrogates.shapes import Shapes, Way
from orchestrator.surrogates.source import fixed_weight, source_of
from orchestrator.surrogates.two_tools import TwoTools

FloatArray = NDArray[np.float64]

WAYS = (
    Way("none", 0.3),
    Way("rows", 0.1, correlation=0.5),
    Way("rows", 0.1, correlation=0.7),
    Way("rows", 0.15, correlation=0.85),
    Way("rows", 0.1, correlation=0.95),
    Way("coral-svr", 0.125, borrowed=0.5),
    Way("coral-svr", 0.125, borrowed=1.0),
)
"""No transfer; one process over both tools; the source's CORAL-SVR prediction as a term of the target."""

_ALONE = Way("none", 1.0)
_N_MEMBERS = 8
_DRAWN, _VARIED = 192, (128, 128)  # shapes looked at first, and around the likeliest of them
_N_STEPS = 30  # of each member's chain
_EASY = 100  # rows; with more, which tell more, fewer shapes are looked at
_LENGTH_STEP, _NOISE_STEP = 0.5, 0.9  # of logarithms


class AveragedCoralSVR(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no stubs
    """A Gaussian process on target rows that may borrow from a source, averaged over its likely shapes.

    A shape is a length and a bend for each column, perhaps a direction askew to the columns, perhaps a quadratic
    trend, a noise, and one of `WAYS` in which the source bears on the target: not at all; as the rows of a correlated
    tool, with a mean of their own; or as CORAL-SVR's prediction g(x), a support vector regression on aligned source
    rows, which enters the covariance as c^2 g(x) g(x'), its ratio thus integrated out. The shapes are drawn from their
    posterior: the likeliest of some hundreds begin chains of Metropolis steps, and the ends of the chains are the
    members. How many members use the source, and how, is the guard.

    Chance is derived from the number of rows, so that the same rows give the same members.

    Args:
        source_X: Source features in the unit cube, shape (n_source, n_columns), or None.
        source_y: Source values, shape (n_source,).
        source_weight: "guarded", or a fixed weight between 0 and 1: that of CORAL-SVR's prediction.

    Attributes:
        source_weight_: Mean weight of the source among the members.
        source_evidence_: JSON-ready record: the rule, and the share of members by way.

    Source: Osborne, "Bayesian Gaussian Processes for Sequential Prediction, Optimisation and Quadrature", thesis,
    Oxford 2010, for averaging over shapes; Rasmussen and Williams, 2006, equations 2.42 and 5.8, for each of them;
    Bonilla, Chai, Williams, NIPS 2007, equation 2, for the correlated tool.
    """

    def __init__(
        self,
        source_X: ArrayLike | None = None,
        source_y: ArrayLike | None = None,
        source_weight: str | float = "guarded",
    ) -> None:
        self.source_X = source_X
        self.source_y = source_y
        self.source_weight = source_weight

    def fit(self, X: ArrayLike, y: ArrayLike, n_imagined: int = 0) -> Self:  # noqa: ARG002 - one call for all surrogates
        """Fit to rows X, shape (n_rows, n_columns), unit cube, with values y, shape (n_rows,); imagined rows count.

        Raises:
            ValueError: NaN or infinity, or shapes that do not fit.
        """
        features, values = validate_data(self, X, y, dtype=float, y_numeric=True)
        values = np.asarray(values, dtype=float)
        self.offset_, self.spread_ = float(values.mean()), float(values.std()) or 1.0
        self.ways_: tuple[Way, ...] = (_ALONE,)
        self.rows_ = TwoTools.alone(features, (values - self.offset_) / self.spread_)
        source = source_of(self, features.shape[1])
        if source is not None and min(len(source[1]), len(values)) > 1:
            fixed = fixed_weight(self)
            self.ways_ = WAYS if fixed is None else (Way("coral-svr", 1.0, borrowed=fixed),)
            self.rows_ = self.rows_.with_source(*source, self.spread_)
        shapes = self._likely(stream(len(values), "averaged"))
        self.members_ = [Member(self.rows_, shapes[np.array([i])], self.ways_) for i in range(len(shapes))]
        self._record(len(values))
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - sklearn's signature
        """Return predicted values, shape (n_rows,), and with `return_std` the sd of the noiseless value too."""
        if return_std:
            return mixed(*self.each(X))
        features, borrowed = self._seen(X)
        found = np.mean([member.mean_at(features, borrowed) for member in self.members_], axis=0)
        return self.offset_ + self.spread_ * found

    def each(self, X: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return what each member predicts, and its standard deviation, shapes (n_members, n_rows)."""
        features, borrowed = self._seen(X)
        found = [member.at(features, borrowed) for member in self.members_]
        means, variances = (np.array(part) for part in zip(*found, strict=True))
        return self.offset_ + self.spread_ * means, self.spread_ * np.sqrt(variances)

    def _seen(self, X: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return points as features, and the source's prediction there."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=float, reset=False)
        return features, self.rows_.borrowed_at(features)

    @property
    def noises(self) -> FloatArray:
        """The standard deviation of one measurement, as each member has it, shape (n_members,)."""
        check_is_fitted(self)
        return self.spread_ * np.sqrt([member.noise for member in self.members_])

    def _likely(self, rng: np.random.Generator) -> Shapes:
        """Return shapes drawn from their posterior, one a member."""
        rows, ways = self.rows_, self.ways_
        effort = min(_EASY / len(rows.values), 1.0)
        shapes = Shapes.usual(max(int(effort * _DRAWN), _N_MEMBERS), rows.X.shape[1], ways, rng)
        posterior = rows.posterior(shapes, ways)
        usual_steps = np.r_[np.full(rows.X.shape[1], _LENGTH_STEP), _NOISE_STEP]
        for n in _VARIED:
            chosen = _likeliest(posterior, max(int(effort * n), 1), rng)
            steps = usual_steps * (rng.random((len(chosen), len(usual_steps))) < 0.5)
            new = shapes[chosen].varied(ways, rng, steps)
            shapes, posterior = shapes.joined(new), np.append(posterior, rows.posterior(new, ways))
        first = _likeliest(posterior, _N_MEMBERS, rng)
        shapes, posterior = shapes[first], posterior[first]
        for _ in range(max(int(effort * _N_STEPS), 8)):
            steps = usual_steps * (rng.random((len(shapes), len(usual_steps))) < 0.4)
            new = shapes.varied(ways, rng, steps)
            theirs = rows.posterior(new, ways)
            is_taken = np.log(rng.random(len(shapes))) < theirs - posterior
            shapes = shapes[~is_taken].joined(new[is_taken])
            posterior = np.append(posterior[~is_taken], theirs[is_taken])
        return shapes

    def _record(self, n_rows: int) -> None:
        used = [member.way for member in self.members_]
        self.source_weight_ = float(np.mean([way.weight for way in used]))
        rule = "averaged over likely ways in which the source bears on this tool"
        if len(self.ways_) == 1:
            rule = "fixed by the configuration" if self.rows_.is_source.any() else "no source is used"
        self.source_evidence_: dict[str, Any] = {"rule": rule, "rows": n_rows, "error": {}}
        if self.rows_.is_source.any():
            names = sorted({way.name for way in self.ways_})
            self.source_evidence_["ways"] = {n: float(np.mean([way.name == n for way in used])) for n in names}


def _likeliest(posterior: FloatArray, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return n places, drawn by probability at evenly spaced quantiles; a likely one more than once."""
    chance = np.cumsum(np.exp(posterior - posterior.max()))
    return np.asarray(np.searchsorted(chance, (np.arange(n) + rng.random()) / n * chance[-1]), dtype=np.intp)
