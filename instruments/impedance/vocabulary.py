"""What the emulated analyzers understand: the words of the E4990A and of the 4294A as tables.

Rule of this file: it is written from the manuals and shares no table with the driver, so that a slip in either shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from instruments.impedance.dialect import Model


@dataclass(frozen=True)
class Vocabulary:
    """What one model understands.

    Args:
        maker: The first field of its identity.
        numbers: Headers of numeric settings, with preset, lowest and highest value.
        words: Headers of other settings; the first word is the preset.
        roles: What the headers mean that a sweep depends on.
        rectangular: What must be set for the data to be R and X; with anything else they are |Z| and the phase.
        armed: What must be set for a trigger to start a sweep.
        actions: Headers that do something, by what they do.
        queries: Headers that ask for something, by what they ask for.
        errors: Number and text of: unknown header, bad value, out of range, trigger ignored.
    """

    maker: str
    numbers: Mapping[str, tuple[float, float, float]]
    words: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, str]
    rectangular: Mapping[str, str]
    armed: Mapping[str, str]
    actions: Mapping[str, str]
    queries: Mapping[str, str]
    errors: tuple[str, str, str, str]


SCPI = Vocabulary(
    maker="Emulated Keysight Technologies",
    numbers={
        ":SENS1:FREQ:START": (20.0, 20.0, 120e6),
        ":SENS1:FREQ:STOP": (120e6, 20.0, 120e6),
        ":SENS1:SWE:POIN": (201, 2, 1601),
        ":SENS1:APER:TIME": (1, 1, 5),
        ":SENS1:AVER:COUN": (1, 1, 999),
        ":SOUR1:VOLT": (0.5, 0.005, 1.0),
    },
    words={
        ":FORM:DATA": ("ASC", "REAL", "REAL32"),
        ":CALC1:PAR1:DEF": ("Z", "R"),
        ":CALC1:PAR2:DEF": ("TZ", "X"),
        ":SENS1:SWE:TYPE": ("LIN", "LOG"),
        ":SENS1:AVER": ("OFF", "ON"),
        ":SOUR1:MODE": ("VOLT", "CURR"),
        ":DISP:WIND1:TITL": ("OFF", "ON"),
        ":TRIG:SOUR": ("INT", "BUS", "EXT", "MAN"),
        ":INIT1:CONT": ("OFF", "ON"),
        ":SENS1:CORR2:OPEN": ("1", "0"),
        ":SENS1:CORR2:SHOR": ("1", "0"),
    },
    roles={
        "low_hz": ":SENS1:FREQ:START",
        "high_hz": ":SENS1:FREQ:STOP",
        "points": ":SENS1:SWE:POIN",
        "amplitude_v": ":SOUR1:VOLT",
        "open": ":SENS1:CORR2:OPEN",
        "short": ":SENS1:CORR2:SHOR",
        "spacing": ":SENS1:SWE:TYPE",
    },
    rectangular={":CALC1:PAR1:DEF": "R", ":CALC1:PAR2:DEF": "X"},
    armed={":TRIG:SOUR": "BUS", ":INIT1:CONT": "ON"},
    actions={":TRIG:SING": "sweep", ":ABOR": "abort", ":DISP:WIND1:TITL:DATA": "title"},
    queries={
        ":SENS1:SWE:TIME": "sweep time",
        ":SENS1:FREQ:DATA": "frequencies",
        ":CALC1:DATA:RDAT": "both",
        ":SYST:ERR": "error",
        "*OPT": "options",
    },
    errors=('-113,"Undefined header"', '-104,"Data type error"', '-222,"Data out of range"', '-211,"Trigger ignored"'),
)

WORDS_OF_4294A = Vocabulary(
    maker="Emulated Agilent",
    numbers={
        "STAR": (40.0, 40.0, 110e6),
        "STOP": (110e6, 40.0, 110e6),
        "POIN": (201, 2, 801),
        "BWFACT": (1, 1, 5),
        "PAVERFACT": (1, 1, 256),
        "POWE": (0.5, 0.005, 1.0),
    },
    words={
        "FORM4": ("",),
        "MEAS": ("IMPH", "IRIM"),
        "SWPP": ("FREQ", "OLEV", "DCB"),
        "SWPT": ("LIN", "LOG"),
        "PAVER": ("OFF", "ON"),
        "POWMOD": ("VOLT", "CURR"),
        "TRGS": ("INT", "EXT", "BUS", "MAN"),
        "TRAC": ("A", "B"),
        "COMSTA": ("1", "0"),
        "COMSTB": ("1", "0"),
    },
    roles={
        "low_hz": "STAR",
        "high_hz": "STOP",
        "points": "POIN",
        "amplitude_v": "POWE",
        "open": "COMSTA",
        "short": "COMSTB",
        "spacing": "SWPT",
        "trace": "TRAC",
    },
    rectangular={"MEAS": "IRIM"},
    armed={"TRGS": "INT", "SWPP": "FREQ"},
    actions={"SING": "sweep", "HOLD": "abort", "TITL": "title"},
    queries={"SWET": "sweep time", "OUTPSWPRM": "frequencies", "OUTPDTRC": "trace", "OUTPERRO": "error"},
    errors=('32,"Undefined header"', '104,"Data type error"', '222,"Data out of range"', '211,"Trigger ignored"'),
)

VOCABULARIES: Mapping[Model, Vocabulary] = {"E4990A": SCPI, "4294A": WORDS_OF_4294A}
