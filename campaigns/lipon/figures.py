"""The study's own figure: the spectrum of the best film with its fit."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from instruments.driver import Reading, Scalar
from instruments.impedance.circuit import Fit, Spectrum, fit
from instruments.impedance.spectrum import spectrum_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, ACCENT, QUIET = "#1f2933", "#c2410c", "#8896a5"
ARC_MARGIN = 1.9


def nyquist(readings: Mapping[str, Reading], details: Mapping[str, Scalar], origin: str) -> "Figure":
    """Draw the impedance of one film: Nyquist plot around its arc, and modulus and phase over frequency.

    Args:
        readings: The accepted reading of each step, by `role.action`; `analyzer.sweep` is drawn.
        details: What the recipe kept of the run (sample, thickness, area).
        origin: Where the spectrum comes from (`simulated`, `real`), for the title.

    Returns:
        A figure of two panels.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - matplotlib is slow to import

    spectrum = spectrum_of(readings["analyzer.sweep"])
    found = fit(spectrum)
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1.0])
    sample = details.get("sample", "best film")
    thickness = f", {float(details['thickness_nm']):.0f} nm" if "thickness_nm" in details else ""
    figure.suptitle(f"Impedance of {sample}{thickness} ({origin})", color=INK)
    _draw_arc(left, spectrum, found)
    _draw_bode(right, spectrum, found)
    return figure


def _draw_arc(axes: "Axes", spectrum: Spectrum, found: Fit) -> None:
    """Draw -Im Z against Re Z around the arc of the film, equal axes, with the bulk resistance marked."""
    resistance = found.circuit.r_series_ohm + found.circuit.r_bulk_ohm
    unit, scale = _unit(resistance)
    fine_hz = np.geomspace(spectrum.frequency_hz.min(), spectrum.frequency_hz.max(), 800)
    line = found.circuit.z_ohm(fine_hz) / scale
    seen = spectrum.z_ohm / scale
    axes.plot(line.real, -line.imag, color=ACCENT, lw=1.4, label="fitted circuit")
    axes.plot(seen.real, -seen.imag, "o", ms=4, mfc="none", color=INK, label="measured")
    axes.axvline(resistance / scale, color=QUIET, lw=0.9, ls="--")
    shown = f"Rb = {found.circuit.r_bulk_ohm / scale:.4g} ± {found.r_bulk_se_ohm / scale:.1g} {unit}"
    limit = ARC_MARGIN * resistance / scale
    foot = (resistance / scale, 0.06 * limit)
    axes.annotate(shown, foot, (6, 0), textcoords="offset points", fontsize=8, color=ACCENT)
    axes.set(xlim=(0, limit), ylim=(0, limit), aspect="equal", xlabel=f"Re Z / {unit}", ylabel=f"$-$Im Z / {unit}")
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def _draw_bode(axes: "Axes", spectrum: Spectrum, found: Fit) -> None:
    """Draw modulus (left axis) and phase (right axis) over frequency."""
    fitted = found.circuit.z_ohm(spectrum.frequency_hz)
    phase_axes = axes.twinx()
    axes.loglog(spectrum.frequency_hz, np.abs(spectrum.z_ohm), "o", ms=3.5, mfc="none", color=INK)
    axes.loglog(spectrum.frequency_hz, np.abs(fitted), color=ACCENT, lw=1.4)
    phase_axes.semilogx(spectrum.frequency_hz, np.degrees(np.angle(spectrum.z_ohm)), "s", ms=3, mfc="none", color=QUIET)
    phase_axes.semilogx(spectrum.frequency_hz, np.degrees(np.angle(fitted)), color=QUIET, lw=1.0)
    axes.set(xlabel="frequency / Hz", ylabel="|Z| / Ω")
    phase_axes.set(ylim=(-95, 5), yticks=[-90, -60, -30, 0])
    phase_axes.set_ylabel("phase / deg", color=QUIET)


def _unit(resistance_ohm: float) -> tuple[str, float]:
    """Return the unit in which a resistance reads well, and its size in ohm."""
    for unit, scale in (("MΩ", 1e6), ("kΩ", 1e3)):
        if resistance_ohm >= scale:
            return unit, scale
    return "Ω", 1.0
