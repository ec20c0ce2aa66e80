"""A campaign: a configuration, a ledger, a budget, and a folder in which to find what came of it."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from instruments.driver import Command, Identity, Reading
from orchestrator.address import Address, address
from orchestrator.clock import SimulatedClock, WallClock
from orchestrator.config import CampaignConfig, ConfigError, Configuration, Problem, load, recorded
from orchestrator.config.comparison import CHANGEABLE, Difference, differences
from orchestrator.data import DataError, read_csv
from orchestrator.display.summary import plain_text, summary
from orchestrator.display.watcher import Mute, Silent, Watcher
from orchestrator.engine import Engine, Word
from orchestrator.engine.answers import misfits
from orchestrator.engine.requests import copy_messages
from orchestrator.engine.signals import handled, stopping
from orchestrator.engine.stopping import Stop
from orchestrator.laboratory import Laboratory, build, check_origins, figures_of
from orchestrator.laboratory.conduct import check_policies
from orchestrator.laboratory.limits import check_limits
from orchestrator.laboratory.maintenance import check_maintenance
from orchestrator.ledger import Kind, Ledger, State, exists
from orchestrator.ledger.events import FORMAT
from orchestrator.ledger.export import write_runs_csv
from orchestrator.ledger.person import person
from orchestrator.ledger.readings import recordable_state
from orchestrator.ledger.run import join_origins
from orchestrator.planner import FeatureError, Planner
from orchestrator.recipe import Point
from orchestrator.space import SpaceError
from orchestrator.versions import versions

RESULTS = {"report": "report.html", "runs": "runs.csv"}


class OtherConfigurationError(ConfigError):
    """The ledger was begun with another configuration."""


@dataclass(frozen=True)
class Outcome:
    """What came of running a campaign.

    Args:
        stop: Why it ended, and the exit code.
        folder: Where report and tables are.
        ledger: Where the ledger is; as text it has no password.
        state: The ledger's state at the end.
        is_new: Whether anything was done; False when the campaign had been finished before.
    """

    stop: Stop
    folder: Path
    ledger: Path | Address
    state: State = field(repr=False)
    is_new: bool = True

    @property
    def files(self) -> dict[str, Path | Address]:
        """Where report, table and ledger are, by what they are called."""
        return {**{what: self.folder / name for what, name in RESULTS.items()}, "ledger": self.ledger}

    def __str__(self) -> str:
        """Return the closing words, as the command line prints them."""
        return plain_text(summary(self.state), self.files)


class Campaign:
    """One search. `run` begins it, resumes it, or finds it finished, whichever the ledger says.

    Args:
        configuration: What to do.
        folder: Where report and tables go, and the ledger if it is a file.
        ledger: Where the ledger is, if not where the configuration says.

    Raises:
        ConfigError: A driver, a recipe, a data file or a limit that does not fit.
    """

    def __init__(self, configuration: Configuration, folder: Path, ledger: Path | Address | None = None) -> None:
        self.configuration = configuration
        self.settings = configuration.settings
        self.folder = folder
        self.ledger_path = ledger or _ledger_place(self.settings, folder)
        self.laboratory: Laboratory = build(configuration)
        self._figures = figures_of(configuration)
        try:
            self.planner = Planner.from_config(self.settings)
        except DataError as error:
            raise ConfigError([Problem(configuration.source.where(("data",)), str(error))]) from error
        except FeatureError as error:
            raise configuration.error(error.path, str(error)) from error
        except SpaceError as error:
            section = "constraints" if self.settings.constraints else "parameters"
            raise ConfigError([Problem(configuration.source.where((section,)), str(error))]) from error
        corners = [*self.planner.space.corners(), *self._reference()]
        self.first_command: Command = check_limits(configuration, self.laboratory, corners)
        check_maintenance(configuration, self.laboratory)
        check_policies(configuration, self.laboratory)

    def _reference(self) -> list[Point]:
        """Return the reference point of the policies, if there is one, held against the space.

        Raises:
            ConfigError: It is not in the space.
        """
        reference = self.settings.policies.reference
        if reference is None:
            return []
        try:
            first = {p.name: p.choices[0] for p in self.planner.space.parameters if p.instrument}
            return [self.planner.space.check({**reference.point, **first})]
        except SpaceError as error:
            raise self.configuration.error(("policies", "reference", "point"), str(error)) from error

    @classmethod
    def from_yaml(
        cls,
        path: str | Path,
        *,
        out: str | Path | None = None,
        new: bool = False,
        overrides: Mapping[str, Any] | None = None,
    ) -> Self:
        """Read a configuration and build its campaign.

        Args:
            path: The YAML.
            out: The campaign's folder; by default `runs/<campaign>` from here.
            new: Start afresh beside a campaign that has a ledger: in the folder `<folder>-2`, in PostgreSQL as
                `<campaign>-2`, ...
            overrides: Values by dotted path, for example `{"budget.runs": 30}`.

        Raises:
            ConfigError: Everything that is wrong with the configuration.
        """
        configuration = load(path, overrides)
        folder = Path(out) if out is not None else Path("runs") / configuration.settings.campaign
        return cls(configuration, *(_beside(configuration.settings, folder) if new else (folder,)))

    def run(self, watcher: Watcher | None = None, words: Sequence[Word] = (), *, note: str = "") -> Outcome:
        """Go on until the campaign is finished, halted or paused; write report and tables.

        Args:
            watcher: Told of every event.
            words: What a person says of steps in doubt.
            note: Why a paused campaign goes on.

        Raises:
            LedgerError: The ledger is locked, damaged or cannot be written.
            OtherConfigurationError: The ledger was begun with another configuration.
            ConfigError: A word about a step that is not in doubt, or that lacks part of its reading.
        """
        identities = None
        if not exists(self.ledger_path):  # what is refused leaves no ledger behind
            self._check_words(State(), words)
            identities = self._connected()
        with Ledger.write(self.ledger_path) as ledger:
            self._check_words(ledger.state, words)
            closed = self._prepare(ledger, note, identities)
            if closed is not None:
                if not all((self.folder / name).exists() for name in RESULTS.values()):
                    self.write_results(ledger)
                return Outcome(closed, self.folder, self.ledger_path, ledger.state, is_new=False)
            try:
                stop = self._drive(ledger, watcher or Silent(), words)
            finally:
                with handled(signal.SIG_IGN):  # nobody interrupts the few seconds in which instruments are closed
                    self.laboratory.close()
            with handled(signal.SIG_IGN):  # nor those in which the results are written
                self.write_results(ledger)
            return Outcome(stop, self.folder, self.ledger_path, ledger.state)

    def perform(self, ledger: Ledger) -> Stop:
        """Perform the campaign into an open ledger, and no more: no signals, no report, nobody told.

        Args:
            ledger: Open to append: a new one, or one of this campaign.

        Raises:
            LedgerError: An event could not be recorded.
        """
        closed = self._prepare(ledger, "", None)
        try:
            return closed or self._engine(ledger, Mute(), ()).run()
        finally:
            self.laboratory.close()

    def write_results(self, ledger: Ledger) -> None:
        """Write `runs.csv` and `report.html` into the folder.

        Raises:
            ConfigError: The folder cannot be written; every run is in the ledger all the same.
        """
        from orchestrator.report import write_report  # noqa: PLC0415 - matplotlib only when there is something to draw

        try:
            write_runs_csv(ledger.state, self.folder / RESULTS["runs"])
            write_report(ledger, self.planner, self.folder, self._figures)
        except OSError as error:
            message = (
                f"cannot be written ({error.strerror}); every run is in the ledger, mend it and run the same command"
            )
            raise ConfigError([Problem(str(error.filename or self.folder), message)]) from error

    def _prepare(self, ledger: Ledger, note: str, identities: Mapping[str, Identity] | None) -> Stop | None:
        """Bring the ledger to where the engine can go on; return how it ended if there is nothing to do.

        Args:
            ledger: Open to write.
            note: Why a paused campaign goes on.
            identities: Who answers, where the instruments are connected already.
        """
        state = ledger.state
        if state.opened is None:
            self._open(ledger, identities or self._connected())
            return None
        found = self.changes(state)
        if not found and state.status == "closed":
            return Stop(state.reason, "finished" if state.exit_code == 0 else "halted", exit_code=state.exit_code)
        identities = self._connected()  # a campaign whose instruments do not answer stays paused
        if found:
            changed = {"configuration": self.configuration.plain, "changed": [str(d) for d in found]}
            self._append(ledger, Kind.CONFIGURATION_CHANGED, changed, self._clock(state))
        if state.status == "paused":
            self._resume(ledger, note)
        self._tell(ledger, identities, self._clock(state), with_state=False)
        return None

    def changes(self, state: State) -> list[Difference]:
        """Return what has changed since the ledger was begun, all of which may.

        Raises:
            OtherConfigurationError: The ledger was begun with another configuration.
        """
        opened = state.opened or {}
        # Keys that are younger than the ledger count with what was done before them.
        was = recorded(opened["configuration"], "the ledger's configuration").settings.model_dump(mode="json")
        found = differences(was, opened["data"], *self._identity())
        fixed = [d for d in found if d.section not in CHANGEABLE]
        if fixed:
            shown = [Problem(self.configuration.source.where(d.path), str(d)) for d in fixed]
            way_out = f"the ledger {self.ledger_path} was begun with another configuration; go back to it, or add --new"
            raise OtherConfigurationError([*shown, Problem(self.configuration.path, way_out)])
        return found

    def _resume(self, ledger: Ledger, note: str) -> None:
        """Record who lets a paused campaign go on; what was asked of it before is in the chain first, and then past."""
        clock = self._clock(ledger.state)

        def record(kind: Kind, body: Mapping[str, Any], run: int | None = None) -> None:
            ledger.append(kind, body, lab_s=clock.now_s, utc=clock.utc(), origin="human", run=run)

        copy_messages(ledger.messages(), record)
        why = {"note": note} if note else {}
        record(Kind.RESUMED, {"who": person(), "after": ledger.state.reason, **why})

    def _identity(self) -> tuple[dict[str, Any], dict[str, Any]]:
        past = {"source": self.planner.source, "initial": self.planner.initial}
        data: dict[str, Any] = {name: rows and rows.to_json() for name, rows in past.items()}
        table = self.settings.laboratory.table
        data["table"] = None if table is None else {"file": table.name, "sha256": read_csv(table).sha256}
        return self.configuration.plain, data

    def epoch(self, now: datetime) -> datetime:
        """Return the moment of lab time zero of a campaign that begins now."""
        return now if self.settings.laboratory.clock == "wall" else self.settings.laboratory.epoch

    def opening(self, epoch: datetime) -> dict[str, Any]:
        """Return what the ledger of a campaign begins with: the body of `campaign_opened`."""
        plain, data = self._identity()
        candidates = self.planner.space.candidates
        return {
            "format": FORMAT,
            "campaign": self.settings.campaign,
            "seed": self.settings.seed,
            "epoch": epoch.isoformat(),
            "configuration": plain,
            "data": data,
            "candidates": None if candidates is None else [dict(point) for point in candidates],
            "versions": versions(),
        }

    def _open(self, ledger: Ledger, identities: Mapping[str, Identity]) -> None:
        epoch = self.epoch(datetime.now(UTC))
        origin = join_origins(str(identity.origin) for identity in identities.values())
        clock = self._clock_from(epoch)
        self._append(ledger, Kind.CAMPAIGN_OPENED, self.opening(epoch), clock, origin)
        self._tell(ledger, identities, clock, with_state=True)

    def _tell(
        self, ledger: Ledger, identities: Mapping[str, Identity], clock: SimulatedClock, *, with_state: bool
    ) -> None:
        for role, identity in identities.items():
            body: dict[str, Any] = {"instrument": role, **asdict(identity), "origin": str(identity.origin)}
            state = recordable_state(self.laboratory.instruments[role]) if with_state else None
            if state is not None:
                body["state"] = state
            self._append(ledger, Kind.INSTRUMENT_CONNECTED, body, clock, str(identity.origin))

    def _append(
        self, ledger: Ledger, kind: Kind, body: dict[str, Any], clock: SimulatedClock, origin: str | None = None
    ) -> None:
        ledger.append(kind, body, lab_s=clock.now_s, utc=clock.utc(), origin=origin or ledger.state.origin)

    def _clock(self, state: State) -> SimulatedClock:
        return self._clock_from(datetime.fromisoformat((state.opened or {})["epoch"]), state.lab_s)

    def _clock_from(self, epoch: datetime, lab_s: float = 0.0) -> SimulatedClock:
        laboratory = self.settings.laboratory
        if laboratory.clock == "wall":
            patience_s = self.settings.policies.late_answer_min * 60
            return WallClock(epoch, lab_s, laboratory.rate, patience_s=patience_s)
        return SimulatedClock(epoch, lab_s)

    def _connected(self) -> dict[str, Identity]:
        try:
            identities = self.laboratory.connect()
            check_origins(self.configuration, identities)
        except ConfigError:
            self.laboratory.close()
            raise
        return identities

    def _check_words(self, state: State, words: Sequence[Word]) -> None:
        doubtful = {(r.number, s.number): s for r in state.open_runs for s in r.steps if s.is_under_way}
        problems = []
        for word in words:
            place = f"--resolve {word.run}.{word.step}"
            step = doubtful.get((word.run, word.step))
            if step is None:
                there = ", ".join(f"{run}.{number}" for run, number in doubtful) or "none is"
                problems.append(Problem(place, f"this step is not in doubt; in doubt: {there}"))
                continue
            action = self.laboratory.instruments[step.instrument].actions[step.action]
            missing = word.missing(action)
            if missing:
                problems.append(Problem(place, f"done needs what it read: --reading {' '.join(missing)} as NAME=VALUE"))
            elif word.how == "done":
                wrong = misfits(action, step.settings, Reading(dict(word.values)))
                problems += [Problem(place, f"the reading cannot count: {words}") for words in wrong]
        if problems:
            raise ConfigError(problems)

    def _drive(self, ledger: Ledger, watcher: Watcher, words: Sequence[Word]) -> Stop:
        engine = self._engine(ledger, watcher, words)
        with watcher, stopping(engine):
            for warning in ledger.warnings:
                watcher.notice(warning)
            return engine.run()

    def _engine(self, ledger: Ledger, watcher: Watcher, words: Sequence[Word]) -> Engine:
        return Engine(
            self.settings,
            ledger,
            laboratory=self.laboratory,
            planner=self.planner,
            clock=self._clock(ledger.state),
            watcher=watcher,
            words=words,
        )


def _ledger_place(settings: CampaignConfig, folder: Path) -> Path | Address:
    place = address(settings.ledger)
    if isinstance(place, Path):
        return folder / place
    return place if place.campaign else replace(place, campaign=settings.campaign)


def _beside(settings: CampaignConfig, folder: Path) -> tuple[Path, Path | Address]:
    """Return the next folder and place where there is no ledger yet."""
    first = free = _ledger_place(settings, folder)
    n, beside = 1, folder
    while exists(free):
        n += 1
        beside = folder.with_name(f"{folder.name}-{n}")
        if isinstance(first, Address):
            free = replace(first, campaign=f"{first.campaign}-{n}")
        else:
            free = _ledger_place(settings, beside)
    return beside, free
