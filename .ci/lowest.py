"""Print the lowest version of every dependency that pyproject.toml allows, as pip constraints."""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
for requirement in project["dependencies"]:
    found = re.fullmatch(r"([\w-]+)>=([\w.]+)", requirement)
    if found is None:
        sys.exit(f"{requirement}: state a lowest version as name>=version")
    print(f"{found[1]}=={found[2]}")  # noqa: T201 - what it is for
