"""Whether those who answer are the tools that the campaign was begun with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from instruments.driver import Identity, Origin
from orchestrator.config import ConfigError, Problem
from orchestrator.engine import Word
from orchestrator.ledger import State


def strangers(state: State, identities: Mapping[str, Identity], words: Sequence[Word]) -> list[str]:
    """Return a remark on every tool that is another one than the ledger has under this role.

    Args:
        state: The ledger's.
        identities: Who answers now, by role; people may take turns, and simulated tools are nobody in particular.
        words: What a person says of steps in doubt.

    Raises:
        ConfigError: A step is in doubt on the one that was there before. A stranger knows nothing of it, and by its
            word the step would be repeated while the other tool may still work.
    """
    remarks, problems = [], []
    for role, identity in identities.items():
        before, now = _words(state.identities.get(role, {})), _words(asdict(identity))
        if not before or before == now or identity.origin != Origin.REAL:
            continue
        remarks.append(f"instrument {role}: another tool answers: {now}, where the ledger has {before}")
        for step in _doubtful(state, role, words):
            way_out = f'connect that one again, or look at it and add --resolve {step}=done|failed|repeat --note "..."'
            problems.append(Problem(remarks[-1], f"step {step} was begun on that one; {way_out}"))
    if problems:
        raise ConfigError(problems)
    return remarks


def _words(identity: Mapping[str, Any]) -> str:
    return " ".join(str(identity.get(key, "")) for key in ("maker", "model", "serial")).strip()


def _doubtful(state: State, role: str, words: Sequence[Word]) -> Iterator[str]:
    """Yield the steps of which nobody says what came of them."""
    said = {(word.run, word.step) for word in words}
    for run, step in state.under_way:
        if step.instrument == role and (run.number, step.number) not in said:
            yield f"{run.number}.{step.number}"
