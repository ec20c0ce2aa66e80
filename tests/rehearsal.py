"""Emulators for tests: those of a configuration, served on free ports, and the settings that lead its drivers there."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import load
from orchestrator.laboratory.emulation import Emulated, emulated


def needs_hardware() -> None:
    """Skip without the libraries that speak to instruments."""
    for library in ("pymodbus", "tenacity", "pyvisa_py"):
        pytest.importorskip(library, reason="the drivers need the extra hardware: pip install -e '.[hardware]'")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_free_ports(config: Path) -> dict[str, Any]:
    """Return the settings that put every instrument of a configuration on a port of its own."""
    found: dict[str, Any] = {}
    for role, instrument in load(config).settings.laboratory.instruments.items():
        options = instrument.options
        if "port" in options:
            found[f"laboratory.instruments.{role}.port"] = free_port()
        if "resource" in options:
            resource = re.sub(r"::\d+::", f"::{free_port()}::", options["resource"])
            found[f"laboratory.instruments.{role}.resource"] = resource
    return found


@contextmanager
def served(config: Path, settings: Mapping[str, Any] | None = None) -> Iterator[tuple[Emulated, dict[str, Any]]]:
    """Serve the emulators of a configuration; give them and the settings that a campaign needs to find them."""
    needs_hardware()
    overrides = on_free_ports(config) | dict(settings or {})
    emulators = emulated(load(config, overrides))
    emulators.start()
    try:
        yield emulators, overrides
    finally:
        emulators.stop()
