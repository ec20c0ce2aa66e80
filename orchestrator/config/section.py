"""What the sections of a configuration share: unknown keys are refused, numbers are finite, nothing changes later."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping in the YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class OpenSection(Section):
    """A section whose further keys are options of the thing it names."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    @property
    def options(self) -> dict[str, Any]:
        """The further keys, to be checked by the thing itself."""
        return dict(self.model_extra or {})


def slug(name: str) -> str:
    """Return the name of a campaign.

    Raises:
        ValueError: It would be no folder's name everywhere.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        message = "a campaign's name is a folder's name: letters, digits, '-', '_' and '.', at most 64"
        raise ValueError(message)
    return name


def _dotted(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
        message = f"{name!r} names no function; write it as package.module:function"
        raise ValueError(message)
    return name


Dotted = Annotated[str, AfterValidator(_dotted)]
