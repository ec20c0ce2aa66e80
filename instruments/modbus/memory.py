"""The registers of an emulated controller, by name and by address.

Rule of this file: an address that the map does not have is refused, as a strict controller does.
"""

from collections.abc import Iterable, Mapping

from instruments.modbus.registers import ImplausibleValue, Register, RegisterMap
from instruments.modbus.wire import Code, Refusal


class Memory:
    """Four tables that hold zeros at first.

    Args:
        registers: Where everything lies.
    """

    def __init__(self, registers: RegisterMap) -> None:
        self.map = registers
        words = {"holding": registers.holding, "input": registers.input}
        bits = {"coils": registers.coils, "discrete_inputs": registers.discrete_inputs}
        self._cells: dict[str, dict[int, int]] = {
            **{table: dict.fromkeys(_addresses(found.values()), 0) for table, found in words.items()},
            **{table: dict.fromkeys(found.values(), 0) for table, found in bits.items()},
        }
        self.stuck: dict[str, dict[int, int]] = {}

    def cells(self, table: str, address: int, count: int) -> list[int]:
        """Return the cells of a table.

        Raises:
            Refusal: An address the map does not have. Bits between two known ones read as 0.
        """
        found, is_bits = self._cells[table], table in ("coils", "discrete_inputs")
        if is_bits and found and min(found) <= address and address + count - 1 <= max(found):
            return [found.get(a, 0) for a in range(address, address + count)]
        try:
            return [self.stuck.get(table, {}).get(a, found[a]) for a in range(address, address + count)]
        except KeyError as error:
            raise Refusal(Code.ADDRESS) from error

    def put(self, table: str, address: int, values: Iterable[int]) -> None:
        """Set cells. Raises as `cells`."""
        new = dict(enumerate(values, start=address))
        if not new.keys() <= self._cells[table].keys():
            raise Refusal(Code.ADDRESS)
        self._cells[table] |= new

    def names(self, address: int, count: int) -> list[str]:
        """Return the set-points that lie, in part at least, in a stretch of holding registers."""
        touched = range(address, address + count)
        return [n for n, r in self.map.holding.items() if any(r.address + i in touched for i in range(r.size))]

    def set_point(self, name: str) -> float:
        """Return a set-point.

        Raises:
            Refusal: It is no number or outside the range of the map.
        """
        register = self.map.holding[name]
        try:
            return register.decode(self.cells("holding", register.address, register.size), self.map.word_order)
        except ImplausibleValue as error:
            raise Refusal(Code.VALUE) from error

    def show(self, values: Mapping[str, float]) -> None:
        """Set read-backs by name; names the map does not have are not shown."""
        for name, value in values.items():
            register = self.map.input.get(name)
            if register is not None:
                self.put("input", register.address, register.encode(float(value), self.map.word_order))

    def shown(self, name: str) -> float:
        """Return a read-back as it is, stuck or not."""
        register = self.map.input[name]
        words = [self._cells["input"][register.address + i] for i in range(register.size)]
        return register.decode(words, self.map.word_order)

    def stick(self, name: str) -> None:
        """Let a read-back, or a set-point, answer for ever what it holds now."""
        table = "input" if name in self.map.input else "holding"
        register: Register = getattr(self.map, table)[name]
        held = {register.address + i: self._cells[table][register.address + i] for i in range(register.size)}
        self.stuck.setdefault(table, {}).update(held)

    def turn(self, table: str, name: str, *, on: bool) -> None:
        """Set a bit by name."""
        self.put(table, getattr(self.map, table)[name], [int(on)])

    def clear(self, table: str) -> None:
        """Set a whole table to zero."""
        self._cells[table] = dict.fromkeys(self._cells[table], 0)


def _addresses(registers: Iterable[Register]) -> list[int]:
    return [r.address + i for r in registers for i in range(r.size)]
