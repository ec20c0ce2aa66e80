"""Runs campaigns in processes of their own that are killed after their n-th event: one JSON request a line, one answer.

Everything heavy is imported once; each campaign then runs in a fork of this process, which has a single thread. The
kill is SIGKILL: no exception, no cleanup, no farewell.
"""

import gc
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import skopt.acquisition
import skopt.sampler  # noqa: F401 - imported for the forks, as are those below
import sqlalchemy.dialects.sqlite  # noqa: F401

from orchestrator.campaign import Campaign
from orchestrator.ledger import Event, Ledger
from orchestrator.surrogates import gp  # noqa: F401


def perform(config: Path, folder: Path, overrides: dict[str, Any], n: int) -> None:
    """Run a campaign and die after its n-th event, if it comes to that."""
    append = Ledger.append
    left = n

    def fatal(self: Ledger, *args: Any, **kwargs: Any) -> Event:
        nonlocal left
        event = append(self, *args, **kwargs)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return event

    Ledger.append = fatal  # type: ignore[method-assign]  # the process dies with it
    campaign = Campaign.from_yaml(config, out=folder, overrides=overrides)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    campaign.run()


def main() -> None:
    """Answer requests until there are no more."""
    gc.freeze()  # a fork that collected would copy every page
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                perform(Path(request["config"]), Path(request["folder"]), request["overrides"], request["n"])
            except BaseException:  # noqa: BLE001 - whatever it is, the parent must hear of it
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
