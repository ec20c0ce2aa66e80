"""How the words of a command are read."""

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose complaints tell no password that stands in a word."""

    def error(self, message: str) -> NoReturn:
        """Say how the command is used and what is wrong, and exit with 2."""
        from orchestrator.address import without_password  # noqa: PLC0415 - so that --help answers at once

        super().error(without_password(message))
