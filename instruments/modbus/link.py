"""A link to a controller over Modbus TCP: every exchange has a timeout, every answer is checked, nothing is trusted.

Rule of this file: after any failure the connection is closed, so that a late answer is never taken for the next one.
"""

import logging
import math
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

from instruments.driver import Identity, Origin
from instruments.modbus.registers import ImplausibleValue, RegisterMap, blocks

if TYPE_CHECKING:
    from pymodbus.client import ModbusTcpClient

_LONGEST_NAME = 80
_MOST_COILS = 2000


class LinkLost(ConnectionError):  # noqa: N818 - the link is what is lost
    """No connection, no answer in time, or an answer that makes no sense."""


class Refused(Exception):  # noqa: N818 - the exchange is what is refused
    """The controller answered with a Modbus exception."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(what, code)
        self.code = code

    def __str__(self) -> str:
        """Return what was refused and why."""
        reason = {
            1: "unknown function",
            2: "no such address",
            3: "value not allowed",
            4: "fault",
            6: "not in this state",
        }
        return f"the controller refuses {self.args[0]}: {reason.get(self.code, f'exception {self.code}')}"


class Link:
    """One connection to one controller, opened when it is needed. Not for several threads at a time.

    Args:
        host: Its name or address.
        port: Its port.
        registers: Where everything lies.
        timeout_s: How long an exchange may take, s on the wall.
    """

    def __init__(self, host: str, port: int, registers: RegisterMap, timeout_s: float) -> None:
        self._host, self._port, self._map, self._timeout_s = host, port, registers, timeout_s
        self._client: ModbusTcpClient | None = None

    def __str__(self) -> str:
        """Return where it leads."""
        return f"{self._host}:{self._port}"

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            client.close()  # type: ignore[no-untyped-call]  # pymodbus leaves it open

    def inputs(self) -> dict[str, float]:
        """Read every read-back.

        Raises:
            LinkLost: No answer, or one that is not plausible.
            Refused: The controller does not have one of the addresses.
        """
        return self._read("read_input_registers", self._map.input)

    def set_points(self, names: Iterable[str]) -> dict[str, float]:
        """Read set-points. Raises as `inputs`."""
        return self._read("read_holding_registers", {name: self._map.holding[name] for name in names})

    def bits(self) -> dict[str, bool]:
        """Read every discrete input. Raises as `inputs`."""
        addresses = self._map.discrete_inputs
        first = min(addresses.values())
        count = max(addresses.values()) - first + 1
        if count > _MOST_COILS:
            message = f"discrete inputs from {first} on span {count} bits; an exchange reads {_MOST_COILS}"
            raise LinkLost(message)
        answer = self._exchange("discrete inputs", "read_discrete_inputs", first, count=count)
        bits = list(answer.bits)
        if len(bits) < count:
            self._lose(f"{len(bits)} bits came instead of {count}")
        return {name: bool(bits[address - first]) for name, address in addresses.items()}

    def write(self, values: Mapping[str, float]) -> None:
        """Write set-points, one exchange each, so that a refusal names the one that is refused.

        Raises:
            LinkLost: No answer.
            Refused: The controller does not take a value, or not in this state.
            ValueError: A value does not fit its register.
        """
        for name, value in values.items():
            register = self._map.holding[name]
            words = register.encode(value, self._map.word_order)
            self._exchange(f"{name}={value:g} {register.unit}", "write_registers", register.address, values=words)

    def command(self, coil: str) -> None:
        """Set a coil. Raises `LinkLost` and `Refused`, as `write`."""
        self._exchange(f"command {coil}", "write_coil", self._map.coils[coil], value=True)

    def identity(self) -> Identity:
        """Ask the controller who it is; whoever says to be an emulator counts as simulated.

        Raises:
            LinkLost: No answer.

        Source: MODBUS Application Protocol Specification V1.1b3, section 6.21, objects 0 to 2.
        """
        from pymodbus.pdu.mei_message import ReadDeviceInformationRequest  # noqa: PLC0415 - heavy, for hardware only

        request = ReadDeviceInformationRequest(read_code=1, object_id=0, dev_id=self._map.unit_id)
        try:
            answer = self._exchange("its identification", "execute", False, request)  # noqa: FBT003 - pymodbus's order
        except Refused:
            return Identity("unknown", "controller without identification", str(self), Origin.REAL)
        names = {int(key): _plain(value) for key, value in dict(answer.information).items()}
        maker, model = names.get(0, "unknown"), names.get(1, "unknown")
        is_emulated = "emulat" in f"{maker} {model}".lower()
        return Identity(maker, model, names.get(2, ""), Origin.SIMULATED if is_emulated else Origin.REAL)

    def _read(self, call: str, registers: Mapping[str, Any]) -> dict[str, float]:
        words: dict[int, int] = {}
        for address, count in blocks(registers.values()):
            answer = self._exchange(f"registers {address} to {address + count - 1}", call, address, count=count)
            if len(answer.registers) != count:
                self._lose(f"{len(answer.registers)} registers came instead of {count}")
            words |= dict(enumerate(answer.registers, start=address))
        try:
            return {
                name: r.decode([words[r.address + i] for i in range(r.size)], self._map.word_order)
                for name, r in registers.items()
            }
        except ImplausibleValue as error:
            self._lose(str(error))

    def _exchange(self, what: str, call: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - pymodbus's answers
        from pymodbus.exceptions import ModbusException  # noqa: PLC0415 - heavy, for hardware only

        client = self._connected()
        if call != "execute":
            options["device_id"] = self._map.unit_id
        try:
            answer = getattr(client, call)(*arguments, **options)
        except (ModbusException, OSError) as error:
            self._lose(f"no answer about {what} within {self._timeout_s:g} s ({type(error).__name__})")
        except Exception as error:  # noqa: BLE001 - whatever a garbled answer does to the library
            self._lose(f"the answer about {what} makes no sense: {error!r}")
        if answer.isError():
            raise Refused(what, int(getattr(answer, "exception_code", 0)))
        return answer

    def _connected(self) -> "ModbusTcpClient":
        from pymodbus.client import ModbusTcpClient  # noqa: PLC0415 - heavy, for hardware only

        if self._client is None:
            _mute()
            client = ModbusTcpClient(self._host, port=self._port, timeout=self._timeout_s, retries=0)
            if not client.connect():  # type: ignore[no-untyped-call]  # as above
                here = self._host in ("localhost", "127.0.0.1")
                self._lose("it cannot be reached" + ("; do its emulators run (emulate-instruments)?" if here else ""))
            self._client = client
        return self._client

    def _lose(self, why: str) -> NoReturn:
        self.close()
        message = f"{self}: {why}"
        raise LinkLost(message)


@cache
def _mute() -> None:
    """Keep the library from printing what is told as an error anyhow."""
    logging.getLogger("pymodbus").addHandler(logging.NullHandler())


def _plain(value: object) -> str:
    """Return a name that a controller sent as short printable text."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "".join(c for c in text if c.isprintable())[:_LONGEST_NAME]


def need_libraries() -> None:
    """Say what is missing before anything is connected.

    Raises:
        ValueError: The extra `hardware` is not installed.
    """
    missing = [name for name in ("pymodbus", "tenacity") if find_spec(name) is None]
    if missing:
        message = f"needs {' and '.join(missing)}, not installed here: pip install 'closed-loop-campaign[hardware]'"
        raise ValueError(message)


def same(asked: float, held: float) -> bool:
    """Return whether a set-point that was read back is the one that was written, as exactly as a float32 can tell."""
    return math.isclose(asked, held, rel_tol=3e-7, abs_tol=1e-9)
