"""What a sweep performs: every variation of a configuration with every seed, each known by the hash of its content.

Rule of this file: everything that could be refused is refused here, for all variations, before anything is performed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from instruments.driver import Origin
from orchestrator.campaign import Campaign
from orchestrator.config import ConfigError, Problem, load
from orchestrator.display.wording import clean
from orchestrator.sweep.fingerprint import digest, fingerprint, packages_of
from orchestrator.sweep.luggage import Luggage, pack
from orchestrator.sweep.performance import Code
from orchestrator.sweep.words import Asked, Choice

_FIXED = {
    "seed": "every variation has the same seeds; say how many with --seeds",
    "campaign": "it is a name alone",
    "objective": "values of two objectives cannot be compared; make a sweep for each",
    "ledger": "a sweep keeps no ledgers",
    "report": "a sweep writes no reports",
    "screening": "no run depends on it",
    "emulation": "no run depends on it",
}
"""Sections that make no variation, and why."""

_END_OF_SEEDS = 2**32
_LONGEST_LABEL = 60


@dataclass(frozen=True)
class Variation:
    """One of the configurations that are compared.

    Args:
        labels: What is different in it, by column of the table; empty where nothing is varied.
        campaign: The campaign, checked, with the configuration's own seed.
        luggage: What a worker needs of it.
        origins: Where its readings come from.
    """

    labels: Mapping[str, Any]
    campaign: Campaign
    luggage: Luggage
    origins: frozenset[Origin]

    @property
    def name(self) -> str:
        """What is different in it, in words."""
        return told(self.labels) or "as configured"


@dataclass(frozen=True)
class Planned:
    """One campaign of the sweep.

    Args:
        key: The hash of all that its outcome depends on.
        variation: Its configuration.
        seed: Its seed.
    """

    key: str
    variation: Variation
    seed: int


@dataclass(frozen=True)
class Plan:
    """A whole sweep.

    Args:
        variations: The configurations that are compared, in the order in which they were asked for.
        campaigns: Every one of them with every seed: all variations of the first seed, then of the second, ...
        code: The code that must be installed wherever one is performed.
    """

    variations: tuple[Variation, ...]
    campaigns: tuple[Planned, ...]
    code: Code


def make(asked: Asked) -> Plan:
    """Return the plan of a sweep.

    Raises:
        ConfigError: A key or value that is wrong in any variation, or a laboratory that is not simulated.
    """
    _refuse_clashes(asked)
    variations = tuple(_variation(asked, choices) for choices in product(*asked.axes))
    packages = sorted({name for v in variations for name in packages_of(v.campaign.configuration)})
    found = fingerprint(tuple(packages))
    first = variations[0].campaign.settings.seed
    seeds = asked.seeds.from_first(first)
    if seeds.stop > _END_OF_SEEDS:
        message = f"the last seed would be {seeds.stop - 1}, and a seed is below {_END_OF_SEEDS}; begin lower"
        raise ConfigError([Problem("--seeds", message)])
    campaigns = tuple(Planned(v.luggage.key(seed, digest(found)), v, seed) for seed in seeds for v in variations)
    repeated = len(campaigns) - len({planned.key for planned in campaigns})
    if repeated:
        message = "two variations are the same campaign; take one of them out"
        raise ConfigError([Problem(_same(variations, campaigns), message)])
    return Plan(variations, campaigns, Code(tuple(packages), found))


def _refuse_clashes(asked: Asked) -> None:
    problems = []
    for option, key in asked.keys:
        section = key.split(".", maxsplit=1)[0]
        if section in _FIXED and not option.startswith("--set"):
            problems.append(Problem(f"{option} {key}", f"{section} cannot be varied: {_FIXED[section]}"))
    for (option, key), (other, same) in combinations(asked.keys, 2):
        if (_is_within(key, same) or _is_within(same, key)) and not option == other == "--case":
            problems.append(Problem(f"{other} {same}", f"is given by {option} {key} too; give it once"))
    if problems:
        raise ConfigError(problems)


def _is_within(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.")


def _variation(asked: Asked, choices: Sequence[Choice]) -> Variation:
    overrides: dict[str, Any] = dict(asked.settings)
    options: dict[str, str] = {}
    for choice in choices:
        overrides |= choice.overrides
        options |= dict.fromkeys(choice.overrides, choice.option)
    configuration = load(asked.config, overrides, options)
    if configuration.settings.laboratory.clock != "simulated":
        message = (
            "a sweep performs thousands of campaigns on the simulated clock and moves nothing real; give the "
            "configuration simulated drivers and clock: simulated"
        )
        raise configuration.error(("laboratory", "clock"), message)
    campaign = Campaign(configuration, asked.folder)
    labels = {choice.column: choice.value for choice in choices if choice.column}
    return Variation(labels, campaign, pack(configuration), _origins(campaign))


def _origins(campaign: Campaign) -> frozenset[Origin]:
    """Return where readings come from, which is known from drivers that only compute; refuse any other."""
    identities = campaign.laboratory.connect()
    campaign.laboratory.close()
    for role, identity in identities.items():
        if identity.origin not in (Origin.SIMULATED, Origin.RECORDED):
            message = f"{role} is {identity.origin}; a sweep performs on simulated or recorded instruments alone"
            raise campaign.configuration.error(("laboratory", "instruments", role), message)
    return frozenset(identity.origin for identity in identities.values())


def _same(variations: Sequence[Variation], campaigns: Sequence[Planned]) -> str:
    keys = [planned.key for planned in campaigns[: len(variations)]]
    names = [v.name for i, v in enumerate(variations) if keys.count(keys[i]) > 1]
    return " and ".join(f"({name})" for name in names[:2])


def told(labels: Mapping[str, Any]) -> str:
    """Return in words what is different in a variation: `acquisition ucb, in_flight 2`."""
    return ", ".join(
        clean(value) if key == "case" else clean(f"{key.rpartition('.')[2]} {_text(value)}", _LONGEST_LABEL)
        for key, value in labels.items()
    )


def _text(value: Any) -> str:  # noqa: ANN401 - any YAML value
    if isinstance(value, list):
        return "+".join(map(_text, value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(inner)}" for key, inner in value.items()) + "}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
