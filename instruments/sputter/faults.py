"""What can go wrong in a deposition: how often, what it looks like, what the tool does about it, and its class.

Rule of this file: a table. Rates are assumptions, so that they are options of the driver; every one is a rate a run.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from instruments.driver import FailureClass, Scalar
from instruments.faults import FaultRates, Rate


class SputterFaults(FaultRates):
    """Rates a run.

    `ignition` is a factor on the probability that plasma does not burn at low pressure; `target_crack` is the rate at
    3.1 W/cm2, `arcing_stressed` is added above 150 W or on a new target, `pinhole_thin` is added as the film gets
    thinner than about 100 nm, `delamination` grows above 1.5 um. `outlier` leaves a film 30 to 70 % of its
    conductivity.
    """

    ignition: Rate = 1.0
    mismatch: Rate = 0.02
    arcing: Rate = 0.01
    arcing_stressed: Rate = 0.03
    target_crack: Rate = 0.002
    pressure_off: Rate = 0.02
    cooling_water: Rate = 0.005
    vacuum: Rate = 0.005
    link_lost: Rate = 0.003
    interlock: Rate = 0.0
    pinhole: Rate = 0.02
    pinhole_thin: Rate = 0.08
    delamination: Rate = 0.01
    outlier: Rate = 0.03

    def pinhole_rate(self, thickness_nm: float) -> float:
        """Return the rate of a short through the film: thin films have more pinholes."""
        return self.pinhole + self.pinhole_thin * math.exp(-thickness_nm / 100.0)

    def delamination_rate(self, thickness_nm: float) -> float:
        """Return the rate at which the film comes off: stress grows with thickness above 1.5 um."""
        return self.delamination * math.exp(max(0.0, thickness_nm - 1500.0) / 500.0)


SPUTTER_FAULTS = SputterFaults()


def strike_failure_rate(pressure_pa: float) -> float:
    """Return the probability that plasma does not burn at this pressure: about one half at 0.25 Pa."""
    return 1.0 / (1.0 + math.exp((pressure_pa - 0.25) / 0.06))


Stress = Mapping[str, float]
ReadBack = Mapping[str, Scalar]


@dataclass(frozen=True)
class Trip:
    """A fault that ends a deposition.

    Args:
        name: What a tool's alarm list calls it.
        failure: Its class.
        rate: The rate a run under this stress of the tool.
        factors: By what each read-back is multiplied when it strikes.
        symptom: What a person sees, with read-backs to be filled in.
        response: What the tool does, as the name of a phase.
        response_s: How long that takes, s.
        advice: What to do next.
        breaks_target: Whether the target must be changed.
    """

    name: str
    failure: FailureClass
    rate: Callable[[SputterFaults, Stress], float]
    factors: Mapping[str, float]
    symptom: str
    response: str
    response_s: float
    advice: str
    breaks_target: bool = False

    def shows(self, read_back: ReadBack) -> dict[str, Scalar]:
        """Return the read-backs at the moment it strikes."""
        return {name: round(float(value) * self.factors.get(name, 1.0), 4) for name, value in read_back.items()}

    def reason(self, seen: ReadBack) -> str:
        """Return symptom and response in words."""
        return f"{self.symptom.format(**seen)}; {self.response}"


def _arcing(faults: SputterFaults, stress: Stress) -> float:
    stressed = stress["power_w"] > 150.0 or stress["fresh_target"] > 0
    return faults.arcing + (faults.arcing_stressed if stressed else 0.0)


def _crack(faults: SputterFaults, stress: Stress) -> float:
    """Return the rate at which the target cracks.

    Source: 3.1 W/cm2 (20 W/in2) is the ceiling makers give for bonded ceramic targets; the growth is an assumption.
    """
    hurry = 5.0 if stress["ramp_w_min"] > 20.0 else 1.0
    return hurry * faults.target_crack * math.exp((stress["density_w_cm2"] - 3.1) / 0.8)


MID_DEPOSITION = (
    Trip(
        "target_crack",
        FailureClass.INFEASIBLE,
        _crack,
        {"rate_nm_min": 0.55, "bias_v": 1.3},
        "the target cracked: rate stepped to {rate_nm_min:.2f} nm/min with arcs at {forward_w:.0f} W",
        "RF off",
        60.0,
        "new target after a day of maintenance; use less power or a slower ramp",
        breaks_target=True,
    ),
    Trip(
        "arcing",
        FailureClass.INFEASIBLE,
        _arcing,
        {"bias_v": 1.8, "forward_w": 0.8},
        "arcing, bias spikes of {bias_v:.0f} V, still at {forward_w:.0f} W",
        "power back 20 %, arcing again, RF off",
        10 * 60.0,
        "use less power here",
    ),
    Trip(
        "reflected_power",
        FailureClass.INSTRUMENT,
        lambda faults, _: faults.mismatch,
        {"reflected_w": 16.0},
        "reflected power {reflected_w:.0f} W was above 10 W for 5 s, the matching network hunts",
        "retuned without success, RF off",
        5 * 60.0,
        "check the matching network",
    ),
    Trip(
        "pressure_off",
        FailureClass.INSTRUMENT,
        lambda faults, _: faults.pressure_off,
        {"pressure_pa": 1.08},
        "pressure {pressure_pa:.3g} Pa was off by more than 5 % for 60 s",
        "RF held, flow did not settle, RF off",
        15 * 60.0,
        "check the mass flow controller",
    ),
    Trip(
        "cooling_water",
        FailureClass.INSTRUMENT,
        lambda faults, _: faults.cooling_water,
        {"forward_w": 0.0, "reflected_w": 0.0, "bias_v": 0.0},
        "cooling water tripped",
        "RF off at once",
        60.0,
        "a partial film is not comparable; check the water flow",
    ),
    Trip(
        "vacuum",
        FailureClass.INSTRUMENT,
        lambda faults, _: faults.vacuum,
        {"pressure_pa": 30.0, "forward_w": 0.0, "reflected_w": 0.0, "bias_v": 0.0},
        "vacuum tripped at {pressure_pa:.3g} Pa",
        "RF off at once",
        60.0,
        "a partial film is not comparable; look for the leak",
    ),
)
