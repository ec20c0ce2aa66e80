"""Campaigns on the cores of this computer, by joblib.

Rule of this file: when a worker dies, those who were under way are performed again, one at a time, so that the one that
kills its workers is found and the others are not held guilty.
"""

import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from orchestrator.sweep.performance import Code, Result, failed, perform
from orchestrator.sweep.plan import Planned
from orchestrator.sweep.worker import begin

MOST_DEATHS = 3
"""After so many deaths of its worker a campaign is given up."""


def perform_here(campaigns: Sequence[Planned], code: Code, n_jobs: int) -> Iterator[Result]:
    """Perform campaigns in processes of their own, each with one thread of linear algebra; yield as they end.

    Args:
        campaigns: What to perform.
        code: The code it is performed by.
        n_jobs: How many at a time.
    """
    waiting = deque(campaigns)
    while waiting:
        under_way: dict[str, Planned] = {}
        try:
            yield from _performed(_taken(waiting, under_way), under_way, code, n_jobs)
        except TerminatedWorkerError:
            yield from _one_by_one(list(under_way.values()), code)


def cores() -> int:
    """Return how many cores this process may use."""
    return int(cpu_count())


def _taken(waiting: deque[Planned], under_way: dict[str, Planned]) -> Iterator[Planned]:
    while waiting:
        planned = waiting.popleft()
        under_way[planned.key] = planned
        yield planned


def _performed(
    campaigns: Iterable[Planned], under_way: dict[str, Planned], code: Code, n_jobs: int
) -> Iterator[Result]:
    tasks = (delayed(perform)(p.variation.luggage, p.seed, p.key, code) for p in campaigns)
    with parallel_config("loky", inner_max_num_threads=1, initializer=begin), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        # With one job joblib stays in this process, where a death would be ours: two workers, one of them idle.
        parallel = Parallel(max(n_jobs, 2), return_as="generator_unordered", pre_dispatch=n_jobs, batch_size=1)
        for result in parallel(tasks):
            del under_way[result["key"]]
            yield result


def _one_by_one(suspects: Sequence[Planned], code: Code) -> Iterator[Result]:
    for planned in suspects:
        reason = ""
        for _ in range(MOST_DEATHS - 1):  # one death it has seen already
            try:
                yield from _performed([planned], {planned.key: planned}, code, 1)
                break
            except TerminatedWorkerError as error:
                reason = str(error).split(". ", maxsplit=1)[0]
        else:
            yield failed(planned.key, f"its worker died {MOST_DEATHS} times, is there memory enough? {reason}")
