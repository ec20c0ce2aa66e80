"""Instruments that answer as one and the same tool: a wrong address more often than one controller for two."""

from collections.abc import Mapping

from instruments.driver import Identity, Origin


def twins(identities: Mapping[str, Identity]) -> list[str]:
    """Return a warning for each real tool that answers under several names.

    Args:
        identities: Who answers, by the instruments' names.
    """
    named: dict[tuple[str, str, str], list[str]] = {}
    for name, identity in identities.items():
        who = (identity.maker, identity.model, identity.serial)
        if identity.origin == Origin.REAL and all(who):
            named.setdefault(who, []).append(name)
    return [
        f"{' and '.join(names)} answer as the same tool ({', '.join(who)}): right where one controller "
        "serves them all, else look at their addresses"
        for who, names in named.items()
        if len(names) > 1
    ]
