"""The comparison as text."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from benchmarks.planners.figures import Race, paired

_PACKAGES = ("numpy", "scipy", "scikit-learn", "scikit-optimize", "optuna", "baybe", "ax-platform", "botorch", "torch")
_AFTER = (5, 10, 20, 30)


def machine() -> str:
    """Return the machine and the versions."""
    found = [f"{package} {v}" for package in _PACKAGES if (v := _version(package))]
    place = f"{platform.machine()}, {os.cpu_count()} cores, one thread, Python {platform.python_version()}"
    return f"{place}\n{', '.join(found)}"


def summary(races: Mapping[str, Sequence[Race]]) -> str:
    """Return a table with one line a planner, the least regret after 20 runs first."""
    lines = [
        f"{'planner':<38}{'labs':>5}  "
        + "".join(f"{f'@{n}':>8}" for n in _AFTER)
        + f"{'quartiles @20':>18}{'% of range':>12}{'solved':>8}{'runs to 95 %':>18}{'failures':>14}{'s (95 %)':>14}"
    ]
    ranked = sorted(races.items(), key=lambda item: float(np.median(_at(item[1], 20))))
    return "\n".join([*lines, *(_line(spec, of) for spec, of in ranked)])


def comparison(races: Mapping[str, Sequence[Race]], reference: str, after: int) -> str:
    """Return paired tests of every planner's regret against one; a gain above 0 and "better" speak for that one."""
    heads = f"{'labs':>5}{'median gain':>13}{'better':>8}{'worse':>7}{'Wilcoxon p':>12}{'sign p':>9}"
    lines = [f"{f'regret @{after} against {reference}':<38}{heads}"]
    for spec, of in races.items():
        pair = None if spec == reference else paired(races[reference], of, after)
        if pair is not None:
            lines.append(
                f"{spec:<38}{pair.n:>5}{_short(pair.median):>13}{pair.wins:>8}{pair.losses:>7}"
                f"{pair.wilcoxon:>12.2g}{pair.sign:>9.2g}"
            )
    return "\n".join(lines)


def calibration(races: Mapping[str, Sequence[Race]]) -> str:
    """Return how often the truth lies in 80 % intervals, for the planners that tell one."""
    lines = [f"{'80 % intervals hold':<38}{'suggested':>11}{'random points @10, @20, @30':>30}"]
    for spec, of in races.items():
        inside = np.concatenate([race.inside for race in of])
        if len(inside):
            elsewhere = "  ".join(f"{x:.0%}" for x in np.mean([race.elsewhere for race in of], axis=0))
            lines.append(f"{spec:<38}{inside.mean():>11.0%}{elsewhere:>30}")
    return "\n".join(lines) if len(lines) > 1 else ""


def by_trait(races: Mapping[str, Sequence[Race]], trait: str, after: int = 20) -> str:
    """Return the median regret and the share solved by kind of laboratory."""
    kinds = sorted({str(race.laboratory.traits.get(trait, "")) for of in races.values() for race in of})
    lines = [f"{'median regret @' + str(after) + ' by ' + trait:<38}" + "".join(f"{kind:>20}" for kind in kinds)]
    for spec, of in races.items():
        cells = [[race for race in of if str(race.laboratory.traits.get(trait, "")) == kind] for kind in kinds]
        lines.append(f"{spec:<38}" + "".join(f"{_cell(cell, after):>20}" for cell in cells))
    return "\n".join(lines)


def _cell(races: Sequence[Race], after: int) -> str:
    if not races:
        return "-"
    return f"{_short(np.median(_at(races, after)))} ({_solved(races)}/{len(races)})"


def _line(spec: str, races: Sequence[Race]) -> str:
    medians = "".join(f"{_short(np.median(_at(races, n))):>8}" for n in _AFTER)
    low, high = np.quantile(_at(races, 20), (0.25, 0.75))
    ranges = np.array([race.laboratory.optimum - race.laboratory.floor for race in races])
    failures = np.array([race.failures for race in races])
    seconds = np.concatenate([race.seconds for race in races])
    return (
        f"{spec:<38}{len(races):>5}  {medians}{f'{_short(low)} - {_short(high)}':>18}"
        f"{100 * np.median(_at(races, 20) / ranges):>11.1f}%"
        f"{f'{_solved(races)}/{len(races)}':>8}{_runs(races):>18}"
        f"{_quartiles(failures):>14}{f'{np.median(seconds):.3f} ({np.quantile(seconds, 0.95):.2f})':>14}"
    )


def _short(number: float) -> str:
    """Return a number to three decimals, large ones to four digits."""
    return f"{number:.3f}" if abs(number) < 10 else f"{number:.4g}"


def _at(races: Sequence[Race], after: int) -> np.ndarray:
    return np.array([race.regret[min(after, len(race.regret) - 1)] for race in races])


def _solved(races: Sequence[Race]) -> int:
    return sum(np.isfinite(race.solved_at) for race in races)


def _runs(races: Sequence[Race]) -> str:
    """Return the quartiles of the runs to 95 %; a quartile that unsolved laboratories reach into is a dash."""
    quartiles = np.quantile([race.solved_at for race in races], (0.25, 0.5, 0.75), method="higher")
    return " ".join(f"{q:.0f}" if np.isfinite(q) else "-" for q in quartiles)


def _quartiles(values: np.ndarray) -> str:
    return " ".join(f"{q:.0f}" for q in np.quantile(values, (0.25, 0.5, 0.75), method="nearest"))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
