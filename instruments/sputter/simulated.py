"""A simulated RF sputter tool: phases of a deposition, wear, drift, and what can go wrong.

Rule of this file: the tool's memory is `state` and the film it puts on the shelf, and all chance is `rng`, so that a
deposition that was cut short by a crash has the same phases again. Wear is booked as each phase ends, whether or not
the film survives. Spreads and rates are assumptions, stated as such in the study's README.
"""

import math
from collections.abc import Generator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Moved,
    Origin,
    Phase,
    Quantity,
    Reading,
)
from instruments.faults import duration_s, happens, refuse_forbidden
from instruments.sputter import nominal, physics
from instruments.sputter.faults import MID_DEPOSITION, SPUTTER_FAULTS, SputterFaults, Trip, strike_failure_rate
from instruments.sputter.film import Film, SetPoint, scattered

TOOLS = {"target": physics.TARGET_TOOL, "source": physics.SOURCE_TOOL}
HOUR_S = 3600.0
LOG_EVERY_S = 2 * HOUR_S
MAINTENANCE_S = 24 * HOUR_S
FLOW_SCCM = 40.0
DRIFT_MEMORY, DRIFT_SD = 0.8, 0.03
GAUGE_SD = 0.02
RELATIVE_AGEING_KWH = 0.0015
CONDITIONING_S, CONDITIONING_W = 2 * HOUR_S, 100.0

_METER = {"target_kwh": Quantity("kWh")}
CHANGE_TARGET = Action({}, _METER, expected_s=MAINTENANCE_S, timeout_s=4 * MAINTENANCE_S, attended=True)
CONDITION = Action({}, _METER, expected_s=7 * HOUR_S, timeout_s=24 * HOUR_S)
"""Maintenance: a new target is a day's work; sputtering it clean takes two hours, pumping and cooling apart."""


class SimulatedSputter:
    """A magnetron sputter tool with one LiPON target, simulated.

    Args:
        name: Its role in the laboratory.
        shelf: What every sample really is, shared by the simulated instruments of the laboratory.
        tool: The hardware: `target` has a 3-inch target, `source` a 4-inch one.
        max_power_w: The power above which it refuses, W.
        ramp_w_min: How fast the power is raised, W/min; above 20 W/min the target cracks five times as often.
        load_lock: Whether a load-lock spares the long pump-down.
        noise: Factor on all spread and drift; 0 is a tool that repeats perfectly.
        offset: By what share its films conduct more than those of another tool of its kind; two chambers differ.
        faults: Rates a run of everything that can go wrong.
    """

    def __init__(
        self,
        *,
        name: str,
        shelf: dict[str, Film],
        tool: Literal["target", "source"] = "target",
        max_power_w: Annotated[float, Field(gt=10)] = 300.0,
        ramp_w_min: Annotated[float, Field(ge=1, le=100)] = 7.0,
        load_lock: bool = False,
        noise: Annotated[float, Field(ge=0)] = 1.0,
        offset: Annotated[float, Field(gt=-1, le=10)] = 0.0,
        faults: SputterFaults = SPUTTER_FAULTS,
    ) -> None:
        self.name = name
        self.actions: Mapping[str, Action] = {
            "deposit": deposit_action(max_power_w, attended=not load_lock),
            "change_target": CHANGE_TARGET,
            "condition": CONDITION,
        }
        self._shelf, self._tool = shelf, TOOLS[tool]
        self._ramp_w_min, self._load_lock, self._noise, self._faults = ramp_w_min, load_lock, noise, faults
        self._offset = offset
        self._energy_kwh, self._drift, self._fresh_target = 0.0, 0.0, False
        self._film: Film | None = None
        self.latest_fault = ""  # by name, for an emulator's alarm register; no memory of the simulation

    @property
    def state(self) -> dict[str, Any]:
        """Wear, drift and the film made last, hidden truth included; setting it puts that film on the shelf again."""
        return {
            "energy_kwh": self._energy_kwh,
            "drift": self._drift,
            "fresh_target": self._fresh_target,
            "film": asdict(self._film) if self._film else None,
        }

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self._energy_kwh, self._drift = float(state["energy_kwh"]), float(state["drift"])
        self._fresh_target = bool(state["fresh_target"])
        self._film = Film(**state["film"]) if state["film"] else None
        if self._film:
            self._shelf.setdefault(self._film.id, self._film)  # it may have got its electrode since

    def connect(self) -> Identity:
        """Tell who answers."""
        model = f"RF magnetron, {2 * self._tool.target_radius_cm / 2.54:.0f}-inch target"
        return Identity("simulated", model, self.name, Origin.SIMULATED)

    def halt(self) -> None:
        """Go to a safe state: nothing is ever hot between two phases."""

    def close(self) -> None:
        """Release nothing."""

    def expected_s(self, command: Command) -> float:
        """Return how long it takes by the book, in seconds; the hidden state has no part in it."""
        if command.action != "deposit":
            return self.actions[command.action].expected_s
        return nominal.deposition_s(
            self._tool, set_point(command), ramp_w_min=self._ramp_w_min, load_lock=self._load_lock
        )

    def phases(self, command: Command, rng: np.random.Generator) -> Generator[Phase, None, Reading]:
        """Yield the phases of a deposition, or of a maintenance, and return its reading.

        Raises:
            InstrumentError: The command is outside the limits, or one of the faults has struck.
        """
        refuse_forbidden(command, self.actions)
        self.latest_fault = ""
        if command.action != "deposit":
            yield from self._change_target() if command.action == "change_target" else self._condition(rng)
            return Reading({"target_kwh": round(self._energy_kwh, 4)})
        asked = set_point(command)
        if happens(rng, self._faults.link_lost):
            reason = f"{self.name}: the link was lost before the chamber was loaded; nothing moved, try again"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO)
        spread = self._noise * DRIFT_SD * math.sqrt(1 - DRIFT_MEMORY**2)
        self._drift = DRIFT_MEMORY * self._drift + spread * float(rng.standard_normal())
        yield from self._prepare(asked, rng)
        grown_nm, hours = yield from self._grow(asked, rng)
        yield from self._unload(rng)
        film = self._draw_film(f"film-{command.id}", asked, grown_nm, rng)
        self._film = self._shelf[film.id] = film
        measured_nm = film.thickness_nm * math.exp(self._noise * GAUGE_SD * rng.standard_normal())
        values = self._read_back(asked) | {
            "sample": film.id,
            "thickness_nm": round(measured_nm, 1),
            "deposition_h": round(hours, 4),
            "target_kwh": round(self._energy_kwh, 4),
        }
        return Reading(values)

    @property
    def _erosion(self) -> float:
        return self._energy_kwh / self._tool.target_life_kwh

    def _read_back(self, asked: SetPoint) -> dict[str, float | int | str | bool]:
        where = (asked.distance_cm, asked.power_w, asked.pressure_pa)
        return {
            "forward_w": round(asked.power_w, 1),
            "reflected_w": round(0.3 + 0.008 * asked.power_w, 2),
            "bias_v": round(float(physics.bias_v(*where[1:], self._erosion)), 1),
            "pressure_pa": asked.pressure_pa,
            "rate_nm_min": round(float(physics.rate_nm_min(self._tool, *where, self._erosion)), 4),
            "substrate_k": round(float(physics.substrate_k(self._tool, *where[:2])), 1),
        }

    def _prepare(self, asked: SetPoint, rng: np.random.Generator) -> Generator[Phase, None, None]:
        """Load, pump, let gas in, strike, ramp and pre-sputter."""
        if self._erosion >= 1:
            yield from self._change_target()
        yield Phase("load and close", duration_s(rng, nominal.LOAD_S, 1.3))
        pumping_s = (
            duration_s(rng, nominal.PUMP_BY_LOAD_LOCK_S, 1.3)
            if self._load_lock
            else duration_s(rng, nominal.PUMP_S, 1.35)
        )
        yield Phase("pump", pumping_s * (1.5 if self._fresh_target else 1.0), {"pressure_pa": 2e-4})
        if happens(rng, self._faults.interlock):
            self.latest_fault = "interlock"
            reason = f"{self.name}: an interlock opened while RF was being armed; check the tool, then resume"
            raise InstrumentError(FailureClass.SAFETY, reason, Moved.YES)
        gas = {"pressure_pa": asked.pressure_pa, "flow_sccm": FLOW_SCCM}
        yield Phase("gas and pressure settle", duration_s(rng, nominal.SETTLE_S, 1.3), gas)
        yield from self._strike(asked, rng)
        ramp_s = asked.power_w / self._ramp_w_min * 60
        yield Phase("ramp", round(ramp_s), self._read_back(asked))
        presputter_h = 2.0 if self._fresh_target else nominal.PRESPUTTER_S / HOUR_S
        yield Phase("pre-sputter", duration_s(rng, presputter_h * HOUR_S, 1.2), self._read_back(asked))
        self._wear(asked.power_w, ramp_s / 2 + presputter_h * HOUR_S)

    def _change_target(self) -> Generator[Phase, None, None]:
        yield Phase("maintenance: new target", MAINTENANCE_S, {"old_target_kwh": round(self._energy_kwh, 2)})
        self._energy_kwh, self._fresh_target = 0.0, True

    def _condition(self, rng: np.random.Generator) -> Generator[Phase, None, None]:
        """Pump, and sputter behind the closed shutter until a new target, or one that saw air, is clean."""
        yield Phase("pump", 1.5 * duration_s(rng, nominal.PUMP_S, 1.35), {"pressure_pa": 2e-4})
        yield Phase("pre-sputter", CONDITIONING_S, {"forward_w": CONDITIONING_W, "shutter": "closed"})
        self._wear(CONDITIONING_W, CONDITIONING_S)
        self._fresh_target = False
        yield from self._unload(rng)

    def _strike(self, asked: SetPoint, rng: np.random.Generator) -> Generator[Phase, None, None]:
        """Strike at 2 Pa and step down to the pressure asked for, three times at most."""
        rate = self._faults.ignition * strike_failure_rate(asked.pressure_pa)
        if not happens(rng, rate):
            yield Phase("strike", nominal.STRIKE_S, {"pressure_pa": asked.pressure_pa})
            return
        self.latest_fault = "no_plasma"
        reflected_w = round(0.97 * min(asked.power_w, 50.0), 1)
        for attempt in (1, 2, 3):
            seen = {"try": attempt, "bias_v": 2.0, "forward_w": min(asked.power_w, 50.0), "reflected_w": reflected_w}
            yield Phase("strike at 2 Pa and step down", 5 * 60.0, seen)
        yield from self._unload(rng, is_hot=False)
        reason = (
            f"{self.name}: plasma does not burn at {asked.pressure_pa:.3g} Pa: struck at 2 Pa and went out while "
            f"stepping down, 3 tries; bias 2 V, reflected {reflected_w:g} W of {min(asked.power_w, 50.0):g} W forward"
        )
        raise InstrumentError(FailureClass.INFEASIBLE, reason, Moved.YES)

    def _grow(self, asked: SetPoint, rng: np.random.Generator) -> Generator[Phase, None, tuple[float, float]]:
        """Deposit until the film is thick enough or the time is up, or something trips; return nm and hours."""
        rate = float(
            physics.rate_nm_min(self._tool, asked.distance_cm, asked.power_w, asked.pressure_pa, self._erosion)
        )
        full_s = min(asked.thickness_nm / rate * 60, asked.max_hours * HOUR_S)
        trip = self._draw_trip(asked, rng)
        grow_s = full_s * float(rng.random()) if trip else full_s
        left_s = grow_s
        while left_s > 0:
            stretch_s = min(LOG_EVERY_S, left_s)
            yield Phase("deposit", stretch_s, self._read_back(asked))
            self._wear(asked.power_w, stretch_s)
            left_s -= stretch_s
        self._fresh_target = False
        if trip:
            yield from self._abort(trip, asked, rate * grow_s / 60, rng)
        return rate * grow_s / 60, grow_s / HOUR_S

    def _draw_trip(self, asked: SetPoint, rng: np.random.Generator) -> Trip | None:
        """Draw every fault of a deposition, so that the number of draws is always the same; the first one counts."""
        density = float(physics.power_density_w_cm2(self._tool, asked.power_w))
        stress = {
            "power_w": asked.power_w,
            "density_w_cm2": density,
            "ramp_w_min": self._ramp_w_min,
            "fresh_target": float(self._fresh_target),
        }
        drawn = [(trip, happens(rng, trip.rate(self._faults, stress))) for trip in MID_DEPOSITION]
        return next((trip for trip, has_struck in drawn if has_struck), None)

    def _abort(
        self, trip: Trip, asked: SetPoint, grown_nm: float, rng: np.random.Generator
    ) -> Generator[Phase, None, None]:
        """Show the symptom and the response of a fault, make the tool safe, and fail."""
        self.latest_fault = trip.name
        seen = trip.shows(self._read_back(asked))
        yield Phase(trip.response, trip.response_s, seen)
        yield from self._unload(rng)
        if trip.breaks_target:
            yield from self._change_target()
        reason = f"{self.name}: {trip.reason(seen)}; partial film of {grown_nm:.0f} nm discarded, {trip.advice}"
        raise InstrumentError(trip.failure, reason, Moved.YES)

    def _draw_film(self, sample: str, asked: SetPoint, grown_nm: float, rng: np.random.Generator) -> Film:
        where = (asked.distance_cm, asked.power_w, asked.pressure_pa)
        ideal = float(physics.conductivity_us_cm(self._tool, *where, self._erosion))
        aged = (1 + self._offset) * ideal * math.exp(self._drift) * (1 - RELATIVE_AGEING_KWH * self._energy_kwh)
        perfect = Film(sample, aged, grown_nm)
        return scattered(perfect, self._faults, rng, tool=self._tool, distance_cm=asked.distance_cm, noise=self._noise)

    def _unload(self, rng: np.random.Generator, *, is_hot: bool = True) -> Generator[Phase, None, None]:
        if is_hot:
            yield Phase("cool", duration_s(rng, nominal.COOL_S, 1.2), {"substrate_k": 303.0})
        yield Phase("vent", nominal.VENT_S, {"pressure_pa": 1.0e5})
        yield Phase("unload", nominal.UNLOAD_S)

    def _wear(self, power_w: float, duration_s: float) -> None:
        self._energy_kwh += power_w * duration_s / HOUR_S / 1000


def set_point(command: Command) -> SetPoint:
    """Return what a command asks of a deposition."""
    return SetPoint(**{name: float(value) for name, value in command.settings.items()})


def deposit_action(max_power_w: float, *, attended: bool = True) -> Action:
    """Return what a sputter tool with this power limit, in W, can do; the same for a simulated and a real one.

    Without a load-lock somebody has to take the film out before anything else can be done.
    """
    watt, volt, kelvin, pascal = Quantity("W"), Quantity("V"), Quantity("K"), Quantity("Pa")
    return Action(
        settings={
            "distance_cm": Quantity("cm", 3.0, 12.0),
            "power_w": Quantity("W", 10.0, max_power_w),
            "pressure_pa": Quantity("Pa", 0.2, 5.0),
            "thickness_nm": Quantity("nm", 20.0, 5000.0),
            "max_hours": Quantity("h", 0.1, 100.0),
        },
        outputs={
            "sample": Quantity("", text=True),
            "thickness_nm": Quantity("nm"),
            "deposition_h": Quantity("h"),
            "rate_nm_min": Quantity("nm/min"),
            "bias_v": volt,
            "forward_w": watt,
            "reflected_w": watt,
            "pressure_pa": pascal,
            "substrate_k": kelvin,
            "target_kwh": Quantity("kWh", required=False),
        },
        expected_s=18 * HOUR_S,
        timeout_s=240 * HOUR_S,
        attended=attended,
    )
