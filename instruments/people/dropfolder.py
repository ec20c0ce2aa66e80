"""A person at the bench, asked by work orders in a folder and answering by files in it.

    orders/     1.2.1.yaml, .html to print, .csv to fill in        written here
    results/    1.2.1.csv, or 1.2.1.mpt and .DTA for a spectrum    dropped by the person
    done/       what was taken, with its order
    rejected/   what could not be taken, with 1.2.1.csv.reason.txt
    withdrawn/  orders that nobody needs any more

Rule of this file: files are named by command ids alone. A file is read when it has stopped growing; what cannot be
taken is moved aside with its reason. Nothing is ever deleted or overwritten.
"""

import itertools
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import Field

from instruments.driver import (
    Action,
    Command,
    FailureClass,
    Identity,
    InstrumentError,
    Memory,
    Moved,
    Origin,
    Reading,
    Recollection,
    Report,
)
from instruments.faults import refuse_forbidden
from instruments.impedance.spectrum_file import SpectrumFileError, read_spectrum
from instruments.once import Once
from instruments.people.work import Nonsense, Work
from instruments.people.workorder import WorkOrder, answer_of

ROOMS = ("orders", "results", "done", "rejected", "withdrawn")
MOST_BYTES = 5_000_000
UNFINISHED = (".part", ".tmp", ".crdownload", ".partial")
Look = tuple[int, int]


class DropFolder:
    """A person who finds work orders in a folder and drops results there.

    Args:
        name: The role in the laboratory.
        actions: What the person can do, by name.
        folder: The folder; each role and each campaign needs one of its own.
        look_s: How often results are looked for, s. A file is read when two looks have seen it alike.
    """

    is_at_terminal = False

    def __init__(
        self,
        *,
        name: str,
        actions: dict[str, Work],
        folder: Path,
        look_s: Annotated[float, Field(gt=0, le=3600)] = 2.0,
    ) -> None:
        self.name, self._work, self._folder, self._look_s = name, actions, folder, look_s
        self.actions: Mapping[str, Action] = {action: work.action for action, work in actions.items()}
        self._halted, self._closed = threading.Event(), threading.Event()
        self._lock = FileLock(folder / ".lock", timeout=0, thread_local=False)
        self._asked_before: set[str] = set()
        self._once = Once()

    def connect(self) -> Identity:
        """Make the folder and tell who answers: a person.

        Raises:
            InstrumentError: The folder cannot be made.
        """
        try:
            for room in ROOMS:
                (self._folder / room).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"{self.name}: the folder {self._folder} cannot be made: {error.strerror}; see to folder:"
            raise InstrumentError(FailureClass.INSTRUMENT, reason, Moved.NO) from error
        self._closed.clear()
        return Identity("human", "a person with a drop folder", str(self._folder.name), Origin.HUMAN)

    def perform(self, command: Command, report: Report) -> Reading:
        """Write the order, wait for its result, and return it.

        Raises:
            InstrumentError: As the person tells; class halted where nobody waits any more; instrument where the folder
                belongs to another campaign.
        """
        return self._once.perform(command, lambda: self._ordered(command, report))

    def recall(self, command_id: str) -> Recollection:
        """Tell that the person is still at it: the order lies there, and its result counts whenever it comes."""
        self._asked_before.add(command_id)
        return Recollection(Memory.RUNNING)

    def halt(self) -> None:
        """Withdraw the order that is waited for."""
        self._halted.set()

    def close(self) -> None:
        """Wait no more; the order stays, for whoever goes on. Safe to call twice."""
        self._closed.set()
        self._lock.release(force=True)

    # ---- the folder ----------------------------------------------------------------------------------------------

    def _ordered(self, command: Command, report: Report) -> Reading:
        refuse_forbidden(command, self.actions)
        if not re.fullmatch(r"\d+\.\d+\.\d+", command.id):
            self._fail(FailureClass.INSTRUMENT, f"{command.id!r} is no run.step.attempt to name a file by")
        self._halted.clear()
        self._take_folder()
        order = WorkOrder(self.name, self._work[command.action], command)
        self._write(order)
        report("wait for the result", {"order": str(self._folder / "orders" / f"{command.id}.html")})
        return self._waited_for(order, report)

    def _fail(self, failure: FailureClass, reason: str) -> None:
        raise InstrumentError(failure, f"{self.name}: {reason}", Moved.NO)

    def _take_folder(self) -> None:
        try:
            self._lock.acquire()
        except (Timeout, OSError):
            self._fail(
                FailureClass.INSTRUMENT, f"another campaign works in {self._folder}; give each role its own folder"
            )

    def _write(self, order: WorkOrder) -> None:
        """Write the order; results that lay there before it are answers to something else."""
        command_id = order.command.id
        if command_id not in self._asked_before:
            for stale in self._results(command_id):
                self._reject(stale, "it lay there before its order was written; is it of another campaign?")
        html = order.as_html(
            form=f"orders/{command_id}.csv",
            result=f"results/{command_id}.csv",
            failure=f"results/{command_id}.failed.csv",
        )
        texts = {".yaml": order.as_yaml(), ".html": html}
        if order.work.enter:
            texts[".csv"] = order.as_form()
        for suffix, text in texts.items():
            path = self._folder / "orders" / f"{command_id}{suffix}"
            unfinished = path.with_name(f".{path.name}.tmp")
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)

    def _waited_for(self, order: WorkOrder, report: Report) -> Reading:
        command_id, before = order.command.id, dict[Path, Look]()
        while not self._halted.is_set() and not self._closed.is_set():
            now = {path: look for path in self._results(command_id) if (look := _look(path)) is not None}
            for path in (path for path, look in now.items() if before.get(path) == look):
                try:
                    answer = _read(path, order.work)
                except (Nonsense, SpectrumFileError) as nonsense:
                    self._reject(path, str(nonsense))
                    report("put a file aside", {"file": path.name, "reason": str(nonsense)})
                    continue
                except OSError:
                    continue  # another program still has it open
                self._put_away(command_id, path, "done")
                if isinstance(answer, InstrumentError):
                    raise answer
                return answer
            before = now
            self._halted.wait(self._look_s)
        if self._halted.is_set():
            self._put_away(command_id, None, "withdrawn")
        raise InstrumentError(FailureClass.HALTED, f"{self.name}: nobody waits for {command_id} any more", Moved.NO)

    def _results(self, command_id: str) -> Iterator[Path]:
        """Yield the files that may be a result, by name: `1.2.1.csv`, `1.2.1.failed.csv`, `1.2.1.mpt`, ..."""
        for path in sorted((self._folder / "results").iterdir()):
            is_his = re.fullmatch(rf"{re.escape(command_id)}(\.failed)?\.[A-Za-z]{{1,8}}", path.name)
            if is_his and path.suffix not in UNFINISHED and path.is_file() and not path.is_symlink():
                yield path

    def _put_away(self, command_id: str, result: Path | None, room: str) -> None:
        for path in sorted((self._folder / "orders").glob(f"{command_id}.*")):
            path.replace(self._free(room, f"{path.stem}.order{path.suffix}"))
        if result is not None:
            result.replace(self._free(room, result.name))

    def _reject(self, path: Path, reason: str) -> None:
        taken = self._free("rejected", path.name)
        path.replace(taken)
        told = taken.with_name(f"{taken.name}.reason.txt")
        part = told.with_name(f"{told.name}.part")  # whoever finds the reason finds it whole
        part.write_text(f"{reason}\n", encoding="utf-8")
        part.replace(told)

    def _free(self, room: str, name: str) -> Path:
        """Return a path that nothing has yet."""
        wanted = Path(name)
        numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
        paths = (self._folder / room / f"{wanted.stem}{number}{wanted.suffix}" for number in numbers)
        return next(path for path in paths if not path.exists())


def _look(path: Path) -> Look | None:
    """Return size and time of a file, by which it is seen to have stopped growing."""
    with suppress(OSError):
        found = path.stat()
        return found.st_size, found.st_mtime_ns
    return None


def _read(path: Path, work: Work) -> Reading | InstrumentError:
    if work.spectrum and not path.name.endswith(".failed.csv"):
        return read_spectrum(path)
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        message = f"larger than {MOST_BYTES // 1_000_000} MB"
        raise Nonsense(message)
    try:
        return answer_of(content.decode("utf-8-sig"), work)
    except UnicodeDecodeError as error:
        message = "it is no UTF-8 text; save it as CSV UTF-8"
        raise Nonsense(message) from error
