"""Register maps: coding, plausibility, and what a broken map is told. No socket, no extra."""

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import instruments.evaporator.modbus as evaporator
import instruments.sputter.modbus as sputter
from instruments.driver import FailureClass
from instruments.modbus.memory import Memory
from instruments.modbus.registers import ImplausibleValue, Register, RegisterMap, blocks, read_map
from instruments.modbus.wire import answer_to

SHIPPED = [sputter.REGISTERS, evaporator.REGISTERS]
ORDERS = st.sampled_from(["big", "little"])


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False), order=ORDERS)
def test_register_float32_comes_back_as_the_same_float32(value: float, order: str) -> None:
    """The shortest number that a float32 can mean is still that float32, in both word orders."""
    register = Register(address=0, type="float32")
    back = register.decode(register.encode(value, order), order)
    assert struct.unpack(">f", struct.pack(">f", back)) == (value,)


@given(raw=st.integers(-32768, 32767), order=ORDERS)
def test_register_scaled_integer_comes_back(raw: int, order: str) -> None:
    """A count times its scale plus the offset is written as that count again."""
    register = Register(address=0, type="int16", scale=0.1, offset=-40.0)
    words = register.encode(raw * 0.1 - 40.0, order)
    assert register.decode(words, order) == pytest.approx(raw * 0.1 - 40.0)


def test_register_float32_reads_as_it_was_meant() -> None:
    """A film of 792.3 nm is not one of 792.2999877929688 nm."""
    register = Register(address=0)
    assert register.decode(register.encode(792.3, "big"), "big") == 792.3


def test_register_word_order_decides_which_word_comes_first() -> None:
    """1.0 is 0x3F800000: its high word is first in big order and last in little order."""
    register = Register(address=0)
    assert register.encode(1.0, "big") == [0x3F80, 0x0000]
    assert register.encode(1.0, "little") == [0x0000, 0x3F80]


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.5, 301.0])
def test_register_implausible_value_is_refused(value: float) -> None:
    """No number, or one outside the plausible range, is never taken for a reading."""
    register = Register(address=7, unit="W", low=0, high=300)
    with pytest.raises(ImplausibleValue, match="W at address 7 is not plausible; from 0 to 300 is"):
        register.decode(register.encode(value, "big"), "big")


def test_register_value_that_does_not_fit_is_refused() -> None:
    """A count beyond 16 bits is refused, not wrapped around."""
    with pytest.raises(ValueError, match=r"70000 .* does not fit uint16 at address 3"):
        Register(address=3, type="uint16").encode(70000, "big")


def test_blocks_read_no_address_between_registers() -> None:
    """Neighbours are read together; a gap, which a controller may refuse, is not read."""
    registers = [Register(address=4), Register(address=0, type="uint16"), Register(address=1, type="uint16")]
    assert blocks(registers) == [(0, 2), (4, 2)]


def test_blocks_are_no_longer_than_an_exchange() -> None:
    """125 registers is what one exchange may carry."""
    assert max(count for _, count in blocks(Register(address=2 * i) for i in range(200))) <= 125


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_map_is_sound(path: Path) -> None:
    """It is read, and its alarms have classes that the campaign knows."""
    found = read_map(path)
    assert {alarm.failure for alarm in found.alarms.values()} <= set(FailureClass)


def test_map_with_two_names_for_an_address_is_refused(tmp_path: Path) -> None:
    """The second half of a float32 is an address as well."""
    plain = yaml.safe_load(sputter.REGISTERS.read_text())
    plain["holding"]["power_w"]["address"] = 1
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(plain))
    with pytest.raises(ValueError, match=r"mine\.yaml: .*holding register 1 is taken by distance_cm and by power_w"):
        read_map(tmp_path / "mine.yaml")


@pytest.mark.parametrize("text", ["", "coils: [", "a: 1", "- 1", "x" * 300_000])
def test_map_that_is_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """Whatever the file holds, the answer names it."""
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"register map .*mine\.yaml"):
        read_map(tmp_path / "mine.yaml")


def test_driver_names_what_its_map_lacks(tmp_path: Path) -> None:
    """A map without what the driver cannot do without is refused before anything is connected."""
    plain = yaml.safe_load(sputter.REGISTERS.read_text())
    del plain["coils"]["halt"], plain["input"]["film_thickness_nm"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(plain))
    with pytest.raises(ValueError, match="lacks coils: halt; input: film_thickness_nm"):
        sputter.ModbusSputter(name="sputter", host="127.0.0.1", registers=tmp_path / "mine.yaml")


class _Tables(Memory):
    """Registers without a tool."""

    identification: ClassVar[Mapping[int, str]] = {0: "maker", 1: "model", 2: "1"}

    def read(self, table: str, address: int, count: int) -> list[int]:
        return self.cells(table, address, count)

    def write(self, table: str, address: int, values: list[int]) -> None:
        self.put(table, address, values)


MAP = read_map(sputter.REGISTERS)


def tables() -> _Tables:
    return _Tables(MAP)


def test_map_is_complete_by_itself() -> None:
    """A map is data: what it holds can be written down and read again."""
    found = read_map(sputter.REGISTERS)
    assert RegisterMap.model_validate(found.model_dump(mode="json")) == found


@given(request=st.binary(max_size=64))
def test_wire_answers_any_bytes(request: bytes) -> None:
    """Nonsense is waited on, answered with an exception or hung up on, and never more is used than came."""
    answer, used = answer_to(tables(), request)
    assert 0 <= used <= len(request)
    assert answer is None or isinstance(answer, bytes)


@given(pdu=st.binary(min_size=1, max_size=60))
def test_wire_answers_any_whole_request(pdu: bytes) -> None:
    """A whole frame always gets one whole answer with its own transaction number."""
    frame = struct.pack(">HHHB", 77, 0, len(pdu) + 1, 1) + pdu
    answer, used = answer_to(tables(), frame)
    assert answer is not None
    assert used == len(frame)
    assert struct.unpack(">HHH", answer[:6]) == (77, 0, len(answer) - 6)


@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        ("03 0000 0002", "03 04 0000 0000"),
        ("10 0000 0002 04 40A0 0000", "10 0000 0002"),
        ("06 0012 0005", "06 0012 0005"),
        ("05 0005 FF00", "05 0005 FF00"),
        ("05 0005 1234", "85 03"),
        ("0F 0000 0003 01 05", "0F 0000 0003"),
        ("02 0000 0009", "02 02 0000"),
        ("03 03E8 0001", "83 02"),
        ("03 0000 007E", "83 03"),
        ("10 0000 0002 03 40A000", "90 03"),
        ("2B 0E 01 00", "2B 0E 01 01 00 00 03 00 05 6D616B6572 01 05 6D6F64656C 02 01 31"),
        ("63", "E3 01"),
    ],
)
def test_wire_speaks_as_the_specification_has_it(pdu: str, expected: str) -> None:
    """Requests and answers are those of the specification, byte by byte."""
    request = bytes.fromhex(pdu)
    answer, _ = answer_to(tables(), struct.pack(">HHHB", 1, 0, len(request) + 1, 1) + request)
    assert answer is not None
    assert answer[7:].hex() == bytes.fromhex(expected).hex()
