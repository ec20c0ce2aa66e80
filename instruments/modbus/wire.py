"""The serving side of Modbus TCP: from the bytes of a request to the bytes of its answer.

Rule of this file: a function of bytes and tables, no socket. It is its own, because an emulator must be able to answer
wrongly, and a driver that is tested against the library it is made of tests nothing.

Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3 (header); MODBUS Application Protocol
Specification V1.1b3, sections 6.1 to 6.6, 6.11, 6.12 and 6.21 (functions 1 to 6, 15, 16, 43/14), 7 (exceptions).
"""

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Protocol

_HEADER = struct.Struct(">HHHB")
_LONGEST_PDU = 254
MOST_BITS, MOST_WORDS = 2000, 125


class Code(IntEnum):
    """Why a request is refused."""

    FUNCTION = 1
    ADDRESS = 2
    VALUE = 3
    FAULT = 4
    BUSY = 6


class Refusal(Exception):  # noqa: N818 - the request is what is refused
    """A request that is answered with an exception code."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


class Tables(Protocol):
    """What lies behind the server. `read` and `write` raise `Refusal`."""

    @property
    def identification(self) -> Mapping[int, str]:
        """Maker, model and version, by object number."""
        ...

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Return words, or bits as 0 and 1, of `coils`, `discrete_inputs`, `holding` or `input`."""
        ...

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Take words into `holding`, or bits into `coils`."""
        ...


_READS = {1: "coils", 2: "discrete_inputs", 3: "holding", 4: "input"}


def answer_to(tables: Tables, waiting: bytes) -> tuple[bytes | None, int]:
    """Return the answer to the first request and its length in bytes; 0 while it is incomplete, None for nonsense."""
    if len(waiting) < _HEADER.size:
        return b"", 0
    transaction, protocol, length, unit = _HEADER.unpack_from(waiting)
    if protocol != 0 or not 2 <= length <= _LONGEST_PDU:
        return None, 0
    if len(waiting) < 6 + length:
        return b"", 0
    request = waiting[_HEADER.size : 6 + length]
    try:
        pdu = _answer(tables, request)
    except Refusal as refusal:
        pdu = bytes([request[0] | 0x80, refusal.code])
    except (struct.error, IndexError):
        pdu = bytes([request[0] | 0x80, Code.VALUE])
    return _HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu, 6 + length


def _answer(tables: Tables, request: bytes) -> bytes:
    function = request[0]
    if function in _READS:
        return _read(tables, function, *struct.unpack(">HH", request[1:5]))
    if function in (5, 6):
        address, value = struct.unpack(">HH", request[1:5])
        if function == 5 and value not in (0, 0xFF00):
            raise Refusal(Code.VALUE)
        tables.write("coils" if function == 5 else "holding", address, [int(value > 0) if function == 5 else value])
        return request[:5]
    if function in (15, 16):
        address, count, n_bytes = struct.unpack(">HHB", request[1:6])
        data = request[6:]
        if len(data) != n_bytes or n_bytes != ((count + 7) // 8 if function == 15 else 2 * count) or count == 0:
            raise Refusal(Code.VALUE)
        values = _bits(data, count) if function == 15 else list(struct.unpack(f">{count}H", data))
        tables.write("coils" if function == 15 else "holding", address, values)
        return request[:5]
    if function == 43 and request[1] == 14:
        return _identification(tables, request[2], request[3])
    raise Refusal(Code.FUNCTION)


def _read(tables: Tables, function: int, address: int, count: int) -> bytes:
    is_bits = function in (1, 2)
    if not 1 <= count <= (MOST_BITS if is_bits else MOST_WORDS):
        raise Refusal(Code.VALUE)
    values = tables.read(_READS[function], address, count)
    data = _packed(values) if is_bits else struct.pack(f">{count}H", *values)
    return bytes([function, len(data)]) + data


def _identification(tables: Tables, read_code: int, first: int) -> bytes:
    if read_code not in (1, 2, 3, 4):
        raise Refusal(Code.VALUE)
    objects = {key: text.encode()[:80] for key, text in tables.identification.items()}
    wanted = {first: objects[first]} if read_code == 4 and first in objects else objects
    body = b"".join(bytes([key, len(text)]) + text for key, text in sorted(wanted.items()))
    return bytes([43, 14, read_code, 1, 0, 0, len(wanted)]) + body


def _bits(data: bytes, count: int) -> list[int]:
    return [data[i // 8] >> (i % 8) & 1 for i in range(count)]


def _packed(bits: list[int]) -> bytes:
    data = bytearray((len(bits) + 7) // 8)
    for i, bit in enumerate(bits):
        data[i // 8] |= bit << (i % 8)
    return bytes(data)
