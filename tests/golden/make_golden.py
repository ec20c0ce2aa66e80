"""Make the golden ledgers of the present format: `python tests/golden/make_golden.py`.

Run by hand, once for each version of the format. What it makes is kept and opened by `tests/ledger/test_golden.py` for
ever, so never make the ledgers of an old version again.
"""

import json
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from worlds import write_config  # noqa: E402 - found beside this folder

from orchestrator.campaign import Campaign  # noqa: E402 - as above
from orchestrator.display.watcher import Silent  # noqa: E402 - as above
from orchestrator.ledger import Event, Kind, Ledger, State, amend  # noqa: E402 - as above
from orchestrator.ledger.events import FORMAT  # noqa: E402 - as above
from orchestrator.ledger.export import export  # noqa: E402 - as above

TINY = {
    "seed": 3,
    "budget.runs": 8,
    "laboratory.in_flight": 2,
    "laboratory.instruments.scale.shaky_rate": 0.4,
    "laboratory.instruments.oven.failure_rate": 0.35,
}


class DeathError(BaseException):
    """The process ends here, as far as the campaign can see."""


class Reaper(Silent):
    """Leaves a note in the inbox, and ends the campaign when a step of the third run is under way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def event(self, event: Event, state: State) -> None:  # noqa: ARG002 - the protocol's
        """Wait for the first run's end, then for that step, which is in doubt afterwards."""
        if event.kind == Kind.RUN_FINISHED and event.run == 1:
            amend(self.path, Kind.NOTE, {"text": "the door was open"})
        if event.kind == Kind.TELEMETRY and event.run == 3:
            raise DeathError


def perform(config: Path, folder: Path, overrides: dict[str, Any], watcher: Silent | None = None) -> Path:
    campaign = Campaign.from_yaml(config, out=folder, overrides=overrides)
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    campaign.run(watcher)
    return campaign.folder / "ledger.sqlite"


def tiny(folder: Path) -> Path:
    """A campaign with failures, shaky measurements, a step in doubt, a note, verdicts and a kind from the future."""
    config = write_config(folder)
    try:
        perform(config, folder / "tiny", TINY, Reaper(folder / "tiny" / "ledger.sqlite"))
    except DeathError:
        path = perform(config, folder / "tiny", TINY)
    amend(path, Kind.VERDICT_CHANGED, {"verdict": "invalid", "note": "=the wrong cake, weighed twice"}, run=2)
    amend(path, Kind.VERDICT_CHANGED, {"verdict": "valid", "note": "it was the right one: 25 °C"}, run=2)
    amend(path, Kind.VERDICT_CHANGED, {"verdict": "infeasible", "note": "burnt"}, run=4)
    with Ledger.write(path) as ledger:
        when: dict[str, Any] = {"lab_s": ledger.state.lab_s, "utc": "2026-02-01T00:00:00.000+00:00"}
        ledger.append("sample_scrapped", {"sample": "cake-1.1.1"}, **when, origin="human", run=1)  # type: ignore[arg-type]  # a kind from the future
    return path


def lipon(folder: Path) -> Path:
    """The shipped campaign, three runs long."""
    return perform(HERE.parent.parent / "configs" / "lipon.yaml", folder / "lipon", {"budget.runs": 3})


def expectations(path: Path) -> dict[str, Any]:
    """What every later version must find in a ledger."""
    with Ledger.open(path) as ledger:
        state = ledger.state
        values = {str(run.number): run.value for run in state.finished if run.value is not None}
        return {
            "head": state.head,
            "events": state.n_events,
            "kinds": dict(sorted(Counter(event.kind for event in ledger.events()).items())),
            "failures": dict(sorted(Counter(run.failure for run in state.finished if run.failure).items())),
            "values": values,
            "best": max(values.values()),
            "status": state.status,
            "origin": state.origin,
        }


def main() -> None:
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        for make in (tiny, lipon):
            path = make(Path(folder))
            name = f"v{FORMAT}-{make.__name__}"
            expected[name] = expectations(path)
            with Ledger.open(path) as ledger:
                export(ledger, "jsonl", HERE / f"{name}.jsonl")
                export(ledger, "csv", HERE / f"{name}.csv")
            if make is tiny:
                shutil.copyfile(path, HERE / f"{name}.sqlite")
    text = json.dumps(expected, indent=1)
    (HERE / f"v{FORMAT}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
