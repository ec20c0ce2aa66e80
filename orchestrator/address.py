"""Where a ledger is: a file, or one campaign in a laboratory's shared PostgreSQL database.

Rule of this file: an address is shown without its password, wherever it is shown.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

_PASSWORD = re.compile(r"(?<=://)([^:/?#]*):.*@")
_PASSWORD_OPTION = re.compile(r"(?<=[?&])(?:ssl)?password=[^&#]*&?")


@dataclass(frozen=True)
class Address:
    """A campaign in a PostgreSQL database, written `postgresql://user@host/database#campaign`.

    Args:
        url: The database, perhaps with a password.
        campaign: The campaign's name, which is its schema's; empty while it is still to be chosen.
    """

    url: str = field(repr=False)
    campaign: str = ""

    def __str__(self) -> str:
        """Return the address without its password."""
        return f"{without_password(self.url)}#{self.campaign}" if self.campaign else without_password(self.url)


def is_url(text: str) -> bool:
    """Return whether a text names a database rather than a file."""
    return "://" in text


def checked(text: str) -> str:
    """Return the text of an address if it can be one.

    Raises:
        ValueError: It is nothing, or a URL, but not of PostgreSQL.
    """
    if not text.strip():
        message = "a ledger needs a file's name or postgresql://user@host/database"
        raise ValueError(message)
    if is_url(text) and not text.startswith(("postgresql://", "postgres://")):
        kind = text.partition("://")[0]
        message = f"{kind}:// is no ledger; give a file's name or postgresql://user@host/database"
        raise ValueError(message)
    return text


def address(place: "str | Path | Address") -> "Path | Address":
    """Return where a text points to.

    Raises:
        ValueError: It is a URL, but not of PostgreSQL.
    """
    if isinstance(place, str) and is_url(place):
        url, _, campaign = checked(place).partition("#")
        return Address(url, campaign)
    return Path(place) if isinstance(place, str) else place


def ledger_place(text: str) -> "str | Path":
    """Return where the ledger is that a person names: an address as it stands, a file, or the ledger of a folder."""
    if is_url(text):
        return text
    path = Path(text)
    return path / "ledger.sqlite" if path.is_dir() else path


def without_password(text: str) -> str:
    """Return a URL without its password; any other text as it is."""
    return _PASSWORD_OPTION.sub("", _PASSWORD.sub(r"\1@", text)).rstrip("?&") if is_url(text) else text
