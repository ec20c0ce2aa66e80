import numpy as np
import pytest

from campaigns.lipon.figures import nyquist
from instruments.driver import Reading
from instruments.impedance.physics import cell
from instruments.sputter.film import Film


def sweep_of(conductivity_us_cm):
    film = Film("film-1.1.1", conductivity_us_cm, 800.0)
    frequency_hz = np.geomspace(1e6, 0.1, 71)
    z_ohm = cell(film, 0.00785, np.random.default_rng(0)).z_ohm(frequency_hz)
    return Reading({}, {"frequency_hz": frequency_hz, "z_real_ohm": z_ohm.real, "z_imag_ohm": z_ohm.imag})


@pytest.mark.parametrize(("conductivity_us_cm", "unit"), [(1.87, "kΩ"), (0.001, "MΩ")])
def test_nyquist_draws_spectrum_fit_and_resistance(conductivity_us_cm, unit, tmp_path):
    """Measured points, the fitted circuit and its resistance on equal axes, with a unit that reads well."""
    readings = {"analyzer.sweep": sweep_of(conductivity_us_cm)}
    figure = nyquist(readings, {"sample": "film-1.1.1", "thickness_nm": 800.0}, "simulated")
    arc = figure.axes[0]
    figure.savefig(tmp_path / "nyquist.svg")
    assert "film-1.1.1, 800 nm (simulated)" in figure.get_suptitle()
    assert arc.get_aspect() == 1
    assert unit in arc.get_xlabel()
    assert len(arc.get_lines()[1].get_xdata()) == 71
    assert arc.texts[0].get_text().startswith("Rb = ")


def test_nyquist_says_when_it_is_real():
    """The title carries the origin it is given, and serves a run without details."""
    assert "(real)" in nyquist({"analyzer.sweep": sweep_of(1.0)}, {}, "real").get_suptitle()
