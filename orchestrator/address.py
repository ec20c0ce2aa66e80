"""Where a ledger is: a file, or one campaign in a laboratory's shared PostgreSQL database.

Rule of this file: an address is shown without its password, wherever it is shown.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

_PASSWORD = re.compile(r"(?<=:/)(/?[^:/?#@\s]*):\S*@")  # one slash is lost where it was taken for a path
_PASSWORD_WITH_BLANKS = re.compile(r"(?<=:/)(/?[^:/?#@\s]*):(?!\d+(?:[/?#\s]|$)).*@")  # a port is no password
_OPTION = re.compile(r"(?<=[?&])([^=&#\s]*)=[^&#\s]*&?")
_SECRETS = ("password", "sslpassword")
_WRITTEN = "postgresql://user@host/database#campaign"
_PARTS = re.compile(
    r"postgres(?:ql)?://"
    r"(?:[^:/?#@\s]*(?::[^:/?#@\s]*)?@)?"  # user and password
    r"(?:\[[0-9A-Fa-f:.]*\]|[^:/?#@\s\[\]]*)(?::\d{1,5})?"  # host and port
    r"(?:/[^?#@\s]*)?(?:\?[^#@\s]*)?(?:#[^@]*)?"  # database, options, campaign
)
_LONGEST_FILE = 200
_RESULTS = ("runs.csv", "report.html")


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
        return f"{without_password(self.url)}#{self.campaign}".rstrip("#")


def is_url(text: str) -> bool:
    """Return whether a text names a database rather than a file."""
    return "://" in text


def checked(text: str) -> str:
    """Return the text of an address if it can be one.

    Raises:
        ValueError: It names neither a file nor a PostgreSQL database; the message never quotes it, for the password.
    """
    if is_url(text):
        if not text.startswith(("postgresql://", "postgres://")):
            kind = text.partition("://")[0]
            message = f"{kind}:// is no ledger; give a file's name or {_WRITTEN}"
            raise ValueError(message)
        if not _PARTS.fullmatch(text):
            message = (
                f"is no address; write {_WRITTEN}, and in user, password and options %40 for @, %3A for :, %2F for /, "
                "%3F for ?, %23 for #, %20 for a blank"
            )
            raise ValueError(message)
        return text
    names = Path(text).parts
    if not text.strip() or Path(text).name in ("", "..") or text.endswith(("/", "\\")) or "\0" in text:
        message = f"a ledger needs a file's name or {_WRITTEN}"
        raise ValueError(message)
    if max(map(len, names)) > _LONGEST_FILE:
        message = f"a ledger's file has a name of at most {_LONGEST_FILE} characters"
        raise ValueError(message)
    if names[-1].lower() in _RESULTS:
        message = f"the campaign writes its own {names[-1]} over it; give the ledger another name"
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


def ledger_place(named: str | Path) -> "str | Path":
    """Return where the ledger is that a person names: an address as it stands, a file, or the ledger of a folder."""
    if isinstance(named, str) and is_url(named):
        return named
    path = Path(named)
    return path / "ledger.sqlite" if path.is_dir() else path


def without_password(text: str) -> str:
    """Return a text, be it a sentence, in which no URL has a password."""
    if ":/" not in text:
        return text
    hidden = _PASSWORD_WITH_BLANKS.sub(r"\1@", _PASSWORD.sub(r"\1@", text))
    return _OPTION.sub(_harmless, hidden).rstrip("?&")


def _harmless(option: re.Match[str]) -> str:
    return "" if unquote(option[1]).lower() in _SECRETS else option[0]
