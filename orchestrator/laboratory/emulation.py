"""The emulators of a laboratory: what stands at the other end of its drivers, built from the same configuration.

A driver names its emulator by its class attribute `emulator`, as `package.module:Class`. The emulator gets those of the
driver's options that it names too (host, port, register map), and its own from the section `emulation` of the YAML,
which `run-campaign` looks at for a forecast alone, where `simulated` names who stands in for the driver. All emulators
share one world, whose chance is that of the simulated instruments: the same seed and the same commands give the same
films.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from instruments.emulation import Emulator, World
from orchestrator.chance import stream
from orchestrator.config import Configuration
from orchestrator.laboratory.naming import bind, driver_of, imported


@dataclass(frozen=True)
class Emulated:
    """The emulators of one laboratory.

    Args:
        world: What they share.
        emulators: By role.
        others: The roles that are not served, and why.
    """

    world: World
    emulators: Mapping[str, Emulator]
    others: Mapping[str, str]

    def start(self) -> dict[str, str]:
        """Serve, and return the addresses by role."""
        return {role: emulator.start() for role, emulator in self.emulators.items()}

    def stop(self) -> None:
        """Stop serving."""
        for emulator in self.emulators.values():
            emulator.stop()


def emulated(configuration: Configuration) -> Emulated:
    """Build the emulators of a configuration's instruments.

    Raises:
        ConfigError: An option that an emulator does not have, an address that is taken or not on this computer.
    """
    settings = configuration.settings
    world = World(settings.laboratory.rate, partial(stream, settings.seed, "step"))
    emulators: dict[str, Emulator] = {}
    others: dict[str, str] = {}
    for role in settings.laboratory.instruments:
        driver = driver_of(configuration, role)
        name = getattr(driver, "emulator", None)
        if name is None:
            is_phased = hasattr(driver, "phases")
            others[role] = "simulated inside the campaign" if is_phased else "has no emulator"
            continue
        emulators[role] = _emulator(configuration, role, str(name), world)
    return Emulated(world, emulators, others)


def _emulator(configuration: Configuration, role: str, name: str, world: World) -> Emulator:
    place = ("laboratory", "instruments", role)
    called = imported(configuration, (*place, "driver"), name)
    known = inspect.signature(called).parameters
    wanted = configuration.settings.laboratory.instruments[role].options
    shared = {key: value for key, value in wanted.items() if key in known}
    own = {key: v for key, v in configuration.settings.emulation.get(role, {}).items() if key != "simulated"}
    bound = bind(configuration, ("emulation", role), called, shared | own, {"name": role, "world": world})
    try:
        found: Emulator = bound()
    except Exception as error:
        reason = f"{error.strerror or error}" if isinstance(error, OSError) else str(error)
        raise configuration.error(place, f"its emulator cannot be served: {reason}") from error
    return found
