"""Readings as the ledger keeps them: scalars in the body, arrays as attachments by content hash."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.driver import Reading, Scalar
from instruments.showing import shown
from orchestrator.ledger.events import LARGEST, compact

_LARGEST_TEXT = 10_000
_LARGEST_ARRAY = 100_000_000
_LARGEST_WHOLE = 2**63
_PREFIX = 10  # magic, version and length of the header in numpy's format


class ReadingError(ValueError):
    """A reading that cannot be recorded: not finite, not a number, too large."""


def encode_reading(reading: Reading) -> tuple[dict[str, Any], list[bytes]]:
    """Return the JSON body of a reading and its attachments.

    Raises:
        ReadingError: A value is not finite, or is nothing the ledger can hold.
    """
    for name, held in (("values", reading.values), ("arrays", reading.arrays)):
        if not isinstance(held, Mapping):
            message = f"its {name} are {repr(held)[:200]}, not a mapping"
            raise ReadingError(message)
    values = {str(name): plain_scalar(name, value) for name, value in reading.values.items()}
    contents = {str(name): _array_bytes(name, array) for name, array in reading.arrays.items()}
    arrays = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return {"values": values, "arrays": arrays}, list(contents.values())


def decode_reading(body: Mapping[str, Any], attachment: Callable[[str], bytes]) -> Reading:
    """Return the reading again; live and replayed readings are the same objects.

    Args:
        body: What `encode_reading` returned.
        attachment: Bytes by their sha256.
    """
    arrays = {name: _array(attachment(sha)) for name, sha in sorted(body["arrays"].items())}
    return Reading(dict(body["values"]), arrays)


def plain_scalar(name: str, value: object) -> Scalar:
    """Return a value as plain JSON: text, bool, int or a float of a size that an event may hold.

    Raises:
        ReadingError: It is none of these.
    """
    if isinstance(value, str):
        if len(value) > _LARGEST_TEXT:
            message = f"{name} is a text of {len(value)} characters; at most {_LARGEST_TEXT} are recorded"
            raise ReadingError(message)
        return value
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)) and abs(int(value)) < _LARGEST_WHOLE:
        return int(value)
    if isinstance(value, (float, np.floating)) and abs(float(value)) < LARGEST:  # NaN is not
        return float(value)
    message = f"{name}={repr(value)[:200]} is neither a finite number below {LARGEST:g} nor text"
    raise ReadingError(message)


def recordable_state(instrument: object) -> dict[str, Any] | None:
    """Return the state of an instrument as plain JSON, or None if it has none.

    Raises:
        ReadingError: It is no mapping, or holds what JSON does not have.
    """
    try:
        state = getattr(instrument, "state", None)
        return None if state is None else dict(json.loads(compact(dict(state))))
    except Exception as error:
        message = f"its state cannot be recorded: {type(error).__name__}: {error}"
        raise ReadingError(message) from error


def shown_scalar(value: object) -> Scalar:
    """Return a value as plain JSON, and what is none as its text: telemetry is for people, not for decisions."""
    try:
        return plain_scalar("value", value)
    except Exception:  # noqa: BLE001 - whatever a driver's value does when it is looked at
        return shown(value)[:200]


def _array(content: bytes) -> NDArray[Any]:
    """Return the array that `_array_bytes` wrote; the header, a text of Python, is parsed once for all of its kind."""
    end = _PREFIX + int.from_bytes(content[_PREFIX - 2 : _PREFIX], "little")
    dtype, shape = _layout(content[:end])
    return np.frombuffer(content, dtype, offset=end).reshape(shape).copy()


@lru_cache(maxsize=64)
def _layout(header: bytes) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return type and shape that a header of version 1.0 tells.

    Source: numpy.lib.format, "Format Version 1.0".
    """
    file = io.BytesIO(header)
    if np.lib.format.read_magic(file) != (1, 0):
        message = "an array in a form of a later numpy; read it with the version that wrote it"
        raise ReadingError(message)
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if is_fortran or dtype.hasobject:
        message = f"an array of {dtype} that was not written here"
        raise ReadingError(message)
    return dtype, shape


def _array_bytes(name: str, array: NDArray[Any]) -> bytes:
    try:
        plain = np.ascontiguousarray(array)
    except ValueError as error:  # lists of several lengths
        message = f"{name} is no array: {error}"
        raise ReadingError(message) from error
    if plain.dtype.kind not in "iufcb" or plain.nbytes > _LARGEST_ARRAY:
        message = f"{name} is an array of {plain.dtype} with {plain.nbytes} bytes; numbers up to 100 MB are recorded"
        raise ReadingError(message)
    if plain.dtype.kind in "fc" and not np.isfinite(plain).all():
        message = f"{name} has {int((~np.isfinite(plain)).sum())} values that are not finite"
        raise ReadingError(message)
    buffer = io.BytesIO()
    np.save(buffer, plain, allow_pickle=False)
    return buffer.getvalue()
