"""What the simulated target tool would answer without noise and faults: to judge models by, never to plan with."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.sputter.physics import TARGET_TOOL, conductivity_us_cm


def true_conductivity(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return the noiseless conductivity of films from a new target, uS/cm, shape (n,); NaN without any gas.

    Args:
        columns: `distance` in cm, `power` in W, `pressure` in Pa, each of shape (n,).
    """
    distance, power, pressure = (columns[name] for name in ("distance", "power", "pressure"))
    there_is_gas = pressure > 0
    some = np.where(there_is_gas, pressure, 1.0)
    return np.where(there_is_gas, conductivity_us_cm(TARGET_TOOL, distance, power, some), np.nan)
