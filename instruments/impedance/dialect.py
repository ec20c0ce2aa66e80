"""What two impedance analyzers want to hear, as data: the Keysight E4990A (SCPI) and the Agilent 4294A (its own words).

Rule of this file: tables only. A text in braces is filled in by the driver; nothing here talks to an instrument.

Sources: Keysight E4990A help, *Programming*, SCPI command reference; Agilent 4294A Programming Manual (04294-90061),
chapter *GPIB Command Reference*. Both tables are proven against emulators only, not yet against the tools themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Model = Literal["E4990A", "4294A"]


@dataclass(frozen=True)
class Dialect:
    """The words of one model.

    Args:
        low_hz: The lowest frequency it measures.
        high_hz: The highest frequency it measures with all its options.
        most_points: The most points of a sweep.
        setup: What sets up a sweep from `low_hz` to `high_hz` with `points` at `amplitude_v`, with `speed` 1 to 5,
            `averages` a point and a `title` on its display.
        set_points: Queries that read the set-up back, by the name of what they must answer.
        trigger: What starts one sweep that reports its end by the operation-complete bit.
        abort: What stops a sweep.
        sweep_time: Asks how long a sweep takes, s.
        frequencies: Asks for the frequencies of the sweep, Hz.
        data: Asks for the impedance: one query for R and X in turn, or one each whose every second value means nothing.
        error: Asks for the oldest entry of the error queue.
        corrections: Queries that answer 1 where a correction of the fixture is on, by its name.
        options: Asks for the installed options, or "".
    """

    low_hz: float
    high_hz: float
    most_points: int
    setup: tuple[str, ...]
    set_points: Mapping[str, str]
    trigger: tuple[str, ...]
    abort: str
    sweep_time: str
    frequencies: str
    data: tuple[str, ...]
    error: str
    corrections: Mapping[str, str]
    options: str = ""


E4990A = Dialect(
    low_hz=20.0,
    high_hz=120e6,
    most_points=1601,
    setup=(
        ":FORM:DATA ASC",
        ":CALC1:PAR1:DEF R",
        ":CALC1:PAR2:DEF X",
        ":SENS1:SWE:TYPE LOG",
        ":SENS1:FREQ:START {low_hz}",
        ":SENS1:FREQ:STOP {high_hz}",
        ":SENS1:SWE:POIN {points}",
        ":SENS1:APER:TIME {speed}",
        ":SENS1:AVER:COUN {averages}",
        ":SENS1:AVER {is_averaged}",
        ":SOUR1:MODE VOLT",
        ":SOUR1:VOLT {amplitude_v}",
        ':DISP:WIND1:TITL:DATA "{title}"',
        ":DISP:WIND1:TITL ON",
        ":TRIG:SOUR BUS",
        ":INIT1:CONT ON",
    ),
    set_points={
        "low_hz": ":SENS1:FREQ:START?",
        "high_hz": ":SENS1:FREQ:STOP?",
        "points": ":SENS1:SWE:POIN?",
        "amplitude_v": ":SOUR1:VOLT?",
    },
    trigger=(":TRIG:SING", "*OPC"),
    abort=":ABOR",
    sweep_time=":SENS1:SWE:TIME?",
    frequencies=":SENS1:FREQ:DATA?",
    data=(":CALC1:DATA:RDAT?",),
    error=":SYST:ERR?",
    corrections={"open": ":SENS1:CORR2:OPEN?", "short": ":SENS1:CORR2:SHOR?"},
    options="*OPT?",
)

A4294A = Dialect(
    low_hz=40.0,
    high_hz=110e6,
    most_points=801,
    setup=(
        "HOLD",
        "FORM4",
        "MEAS IRIM",
        "SWPP FREQ",
        "SWPT LOG",
        "STAR {low_hz}",
        "STOP {high_hz}",
        "POIN {points}",
        "BWFACT {speed}",
        "PAVERFACT {averages}",
        "PAVER {is_averaged}",
        "POWMOD VOLT",
        "POWE {amplitude_v}",
        'TITL "{title}"',
        "TRGS INT",
    ),
    set_points={"low_hz": "STAR?", "high_hz": "STOP?", "points": "POIN?", "amplitude_v": "POWE?"},
    trigger=("SING", "*OPC"),
    abort="HOLD",
    sweep_time="SWET?",
    frequencies="OUTPSWPRM?",
    data=("TRAC A;OUTPDTRC?", "TRAC B;OUTPDTRC?"),
    error="OUTPERRO?",
    corrections={"open": "COMSTA?", "short": "COMSTB?"},
)

DIALECTS: Mapping[Model, Dialect] = {"E4990A": E4990A, "4294A": A4294A}

LOWEST_V, HIGHEST_V = 0.005, 1.0
"""Oscillator level of both models, V rms."""
