"""Which steps need a person: those that a person performs, and those for which a sample is put in or taken out."""

from collections.abc import Callable

from instruments.driver import Action
from orchestrator.forecast.stand_in import Cast


def needs_person(players: Cast) -> Callable[[str, str], bool]:
    """Return whether a step of an instrument and action needs a person.

    An action may say so itself (`attended`). Else it does where it takes or makes a `sample`: somebody loads it.
    """

    def needed(instrument: str, action: str) -> bool:
        found = players.actions[instrument].get(action)
        return instrument in players.people or (found is not None and _is_attended(found))

    return needed


def _is_attended(action: Action) -> bool:
    told: bool | None = getattr(action, "attended", None)
    return "sample" in {*action.settings, *action.outputs} if told is None else told
