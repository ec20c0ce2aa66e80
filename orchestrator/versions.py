"""Which versions of the libraries compute here: what a suggestion may depend on beside its arguments."""

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "closed-loop-campaign",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-optimize",
    "simpy",
    "pydantic",
    "SQLAlchemy",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries in use, by name."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found
