"""A register map: which quantity lies at which address of a controller, in which type, word order, scale and unit.

Rule of this file: what a controller sends is untrusted; it is decoded strictly and must lie in its plausible range.

Source: the four tables, 0-based addresses and limits of an exchange are those of the MODBUS Application Protocol
Specification V1.1b3, sections 4.3 and 6.
"""

import math
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from instruments.driver import FailureClass

MOST_REGISTERS = 125
_LARGEST_FILE = 200_000
_FORMATS = {"uint16": "H", "int16": "h", "uint32": "I", "int32": "i", "float32": "f", "float64": "d"}
Address = Annotated[int, Field(ge=0, le=65_535)]
Word = Annotated[int, Field(ge=0, le=65_535)]
WordOrder = Literal["big", "little"]


class ImplausibleValue(ValueError):  # noqa: N818 - it is the value that is implausible
    """What a controller sent is no number, or lies outside its plausible range."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Register(_Entry):
    """One quantity in one or several 16-bit registers: value = raw x scale + offset.

    Args:
        address: Of its first register, from 0.
        type: How it is coded.
        scale: What one count is worth in `unit`.
        offset: The value at count 0, in `unit`.
        unit: The unit of the value.
        low: No plausible value is lower.
        high: No plausible value is higher.
    """

    address: Address
    type: Literal["uint16", "int16", "uint32", "int32", "float32", "float64"] = "float32"
    scale: float = 1.0
    offset: float = 0.0
    unit: str = "1"
    low: float | None = None
    high: float | None = None

    @property
    def size(self) -> int:
        """The number of registers it takes."""
        return struct.calcsize(">" + _FORMATS[self.type]) // 2

    def encode(self, value: float, order: WordOrder) -> list[int]:
        """Return the registers that hold a value.

        Raises:
            ValueError: The value does not fit the type.
        """
        raw = (value - self.offset) / self.scale
        code = _FORMATS[self.type]
        try:
            packed = struct.pack(">" + code, raw if code in "fd" else round(raw))
        except (struct.error, OverflowError, ValueError) as error:
            message = f"{value!r} {self.unit} does not fit {self.type} at address {self.address}"
            raise ValueError(message) from error
        words = [int.from_bytes(packed[i : i + 2], "big") for i in range(0, len(packed), 2)]
        return words if order == "big" else words[::-1]

    def decode(self, words: list[int], order: WordOrder) -> float:
        """Return the value that registers hold, of a float32 the shortest number that it can mean.

        Raises:
            ImplausibleValue: It is not finite or outside the plausible range.
        """
        in_order = words if order == "big" else words[::-1]
        packed = b"".join(word.to_bytes(2, "big") for word in in_order)
        raw = float(struct.unpack(">" + _FORMATS[self.type], packed)[0])
        if self.type == "float32":
            raw = float(str(np.float32(raw)))  # 792.3, not 792.2999877929688
        value = raw * self.scale + self.offset
        low, high = self.low if self.low is not None else -math.inf, self.high if self.high is not None else math.inf
        if not math.isfinite(value) or not low <= value <= high:
            message = f"{value:g} {self.unit} at address {self.address} is not plausible; from {low:g} to {high:g} is"
            raise ImplausibleValue(message)
        return value


class Alarm(_Entry):
    """One alarm code: its class for the campaign, what it says and what to do."""

    code: Word
    failure: FailureClass
    text: str
    advice: str = "look at the tool"


class RegisterMap(_Entry):
    """Everything a driver must know of one controller.

    Args:
        word_order: `big` where the high word of a long value comes first.
        unit_id: The controller's number behind a gateway.
        coils: Addresses of commands.
        discrete_inputs: Addresses of interlocks and other bits to be read.
        holding: Set-points.
        input: Read-backs.
        states: The controller's state word.
        outcomes: What became of the latest command.
        alarms: Its alarm codes.
    """

    word_order: WordOrder = "big"
    unit_id: Annotated[int, Field(ge=0, le=247)] = 1
    coils: dict[str, Address]
    discrete_inputs: dict[str, Address] = {}
    holding: dict[str, Register]
    input: dict[str, Register]
    states: dict[str, Word]
    outcomes: dict[str, Word]
    alarms: dict[str, Alarm] = {}

    @model_validator(mode="after")
    def _nothing_overlaps(self) -> Self:
        for table, registers in (("holding", self.holding), ("input", self.input)):
            taken: dict[int, str] = {}
            for name, register in registers.items():
                for address in range(register.address, register.address + register.size):
                    _take(f"{table} register {address}", address, name, taken)
        codes = {name: alarm.code for name, alarm in self.alarms.items()}
        groups = {"coil": self.coils, "discrete input": self.discrete_inputs, "state": self.states}
        for what, numbers in {**groups, "outcome": self.outcomes, "alarm": codes}.items():
            taken = {}
            for name, number in numbers.items():
                _take(f"{what} {number}", number, name, taken)
        return self

    def need(self, **names: Iterable[str]) -> None:
        """Check that the map has what a driver cannot do without.

        Raises:
            ValueError: Names that are missing, by table.
        """
        lacking = {table: sorted(set(wanted) - set(getattr(self, table))) for table, wanted in names.items()}
        said = "; ".join(f"{table}: {', '.join(missing)}" for table, missing in lacking.items() if missing)
        if said:
            message = f"the register map lacks {said}"
            raise ValueError(message)

    def state(self, code: float) -> str:
        """Return the name of a state word.

        Raises:
            ImplausibleValue: There is no such state.
        """
        return _name_of(self.states, code, "state")

    def outcome(self, code: float) -> str:
        """Return the name of an outcome word.

        Raises:
            ImplausibleValue: There is no such outcome.
        """
        return _name_of(self.outcomes, code, "outcome")

    def alarm(self, code: float) -> tuple[str, Alarm]:
        """Return an alarm and its name; an unknown code is a failure of the instrument."""
        for name, alarm in self.alarms.items():
            if alarm.code == code:
                return name, alarm
        text = f"alarm {code:g}, which the register map does not know"
        return "unknown", Alarm(code=int(code), failure=FailureClass.INSTRUMENT, text=text)


def _take(what: str, number: int, name: str, taken: dict[int, str]) -> None:
    if number in taken:
        message = f"{what} is taken by {taken[number]} and by {name}"
        raise ValueError(message)
    taken[number] = name


def _name_of(names: Mapping[str, int], code: float, what: str) -> str:
    for name, number in names.items():
        if number == code:
            return name
    message = f"{what} word {code:g} is none of {', '.join(f'{n} {name}' for name, n in names.items())}"
    raise ImplausibleValue(message)


def blocks(registers: Iterable[Register]) -> list[tuple[int, int]]:
    """Return the exchanges (address, count) that read these registers and no address between them."""
    found: list[tuple[int, int]] = []
    for register in sorted(registers, key=lambda r: r.address):
        if found:
            start, count = found[-1]
            if start + count == register.address and count + register.size <= MOST_REGISTERS:
                found[-1] = (start, count + register.size)
                continue
        found.append((register.address, register.size))
    return found


def read_map(path: Path) -> RegisterMap:
    """Read a register map.

    Raises:
        ValueError: The file cannot be read or is no register map; every defect is named.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            message = f"register map {path}: larger than {_LARGEST_FILE} bytes; is it a register map?"
            raise ValueError(message)
        return RegisterMap.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = f"register map {path}: cannot be read: {error}"
        raise ValueError(message) from error
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'map'}: {e['msg']}" for e in error.errors())
        message = f"register map {path}: {said}"
        raise ValueError(message) from error
