"""A campaign: checked before anything moves, begun or resumed, and its results written."""

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from instruments.driver import Command
from orchestrator.address import Address
from orchestrator.campaign.checks import check_words, planner_for, reference_points
from orchestrator.campaign.opening import Opening
from orchestrator.campaign.outcome import RESULTS, Outcome
from orchestrator.campaign.place import beside, place_of_ledger
from orchestrator.campaign.preparation import Preparation
from orchestrator.campaign.timing import clock_at
from orchestrator.config import ConfigError, Configuration, Problem, load
from orchestrator.display.watcher import Mute, Silent, Watcher
from orchestrator.engine import Engine, Stop, Word, planner_of
from orchestrator.engine.signals import handled, stopping
from orchestrator.laboratory import Laboratory, build, figures_of
from orchestrator.laboratory.conduct import check_policies
from orchestrator.laboratory.limits import check_limits
from orchestrator.laboratory.maintenance import check_maintenance
from orchestrator.ledger import Ledger, State, exists
from orchestrator.ledger.export import write_runs_csv


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
        self.ledger_path = ledger or place_of_ledger(self.settings, folder)
        self.laboratory: Laboratory = build(configuration)
        self._figures = figures_of(configuration)
        self.planner = planner_for(configuration)
        self.opening = Opening(configuration, self.planner)
        self._preparation = Preparation(configuration, self.opening, self.laboratory)
        corners = [*self.planner.space.corners(), *reference_points(configuration, self.planner.space)]
        self.first_command: Command = check_limits(configuration, self.laboratory, corners)
        check_maintenance(configuration, self.laboratory)
        check_policies(configuration, self.laboratory)

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
        return cls(configuration, *(beside(configuration.settings, folder) if new else (folder,)))

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
            check_words(State(), words, self.laboratory)
            identities = self._preparation.connect()
        with Ledger.write(self.ledger_path) as ledger:
            check_words(ledger.state, words, self.laboratory)
            closed = self._preparation.bring(ledger, self.ledger_path, identities, note=note, words=words)
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
        closed = self._preparation.bring(ledger, self.ledger_path)
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

    def _drive(self, ledger: Ledger, watcher: Watcher, words: Sequence[Word]) -> Stop:
        engine = self._engine(ledger, watcher, words)
        with watcher, stopping(engine):
            for warning in (*ledger.warnings, *self._preparation.remarks):
                watcher.notice(warning)
            return engine.run()

    def _engine(self, ledger: Ledger, watcher: Watcher, words: Sequence[Word]) -> Engine:
        return Engine(
            self.settings,
            ledger,
            laboratory=self.laboratory,
            planner=planner_of(ledger.state),  # of what the ledger has, so that it can be asked again
            clock=clock_at(self.settings, ledger.state),
            watcher=watcher,
            words=words,
        )
