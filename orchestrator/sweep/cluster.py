"""Campaigns on a Dask cluster: what a worker needs travels with the task, what comes back is a small row.

Rule of this file: a worker's death, new workers and busy ones are the scheduler's business; here its verdicts are told.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.config import ConfigError, Problem
from orchestrator.sweep.fingerprint import differing, fingerprint
from orchestrator.sweep.luggage import Luggage
from orchestrator.sweep.performance import Code, Result, failed, perform
from orchestrator.sweep.plan import Planned

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 10.0


class ClusterLost(Exception):  # noqa: N818 - what has happened
    """The scheduler is gone; what was kept is safe."""


@contextmanager
def connected(address: str, code: Code) -> "Iterator[Client]":
    """Connect to a scheduler whose workers have the same code as this process.

    Args:
        address: Of the scheduler, for example `tcp://10.0.0.5:8786`.
        code: What a worker must have.

    Raises:
        ConfigError: The extra is not installed, nobody answers, there is no worker, or one has other code.
    """
    place = f"--cluster {address}"
    try:
        from distributed import Client  # noqa: PLC0415 - only where there is a cluster
    except ImportError as error:
        message = 'needs Dask, which is not installed: pip install "closed-loop-campaign[cluster]"'
        raise ConfigError([Problem(place, message)]) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it has to tell is told here, in sentences
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # a time-out is an OSError
        message = f"no scheduler answers there ({error}); start one with: dask scheduler"
        raise ConfigError([Problem(place, message)]) from error
    with client:
        _check(client, place, code)
        yield client


def slots(client: "Client") -> int:
    """Return how many campaigns the cluster performs at a time."""
    return sum(client.nthreads().values())


def advice(client: "Client") -> list[str]:
    """Return what could be better about the cluster, in sentences."""
    threaded = sum(n > 1 for n in client.nthreads().values())
    if not threaded:
        return []
    sentence = (
        f"{threaded} of the cluster's workers have several threads, which wait for each other in Python; "
        "one each is faster: dask worker ADDRESS --nworkers auto --nthreads 1"
    )
    return [sentence]


def perform_there(campaigns: Sequence[Planned], code: Code, client: "Client") -> Iterator[Result]:
    """Perform campaigns on a cluster; yield as they end.

    Args:
        campaigns: What to perform.
        code: The code that workers must have.
        client: Connected to the scheduler.

    Raises:
        ClusterLost: The scheduler is gone.
    """
    from distributed import as_completed  # noqa: PLC0415 - only where there is a cluster

    luggage = {id(p.variation): p.variation.luggage for p in campaigns}
    sent = {name: client.submit(_carried, one, pure=False) for name, one in luggage.items()}
    futures = client.map(
        perform,
        [sent[id(p.variation)] for p in campaigns],
        [p.seed for p in campaigns],
        [p.key for p in campaigns],
        code=code,
        pure=False,
    )
    keys = {future.key: p.key for future, p in zip(futures, campaigns, strict=True)}
    for future in as_completed(futures, loop=client.loop):
        yield _result(future, keys[future.key])
        future.release()  # or the death of a worker that holds it would have it made again


def _carried(luggage: Luggage) -> Luggage:
    """Return a variation's luggage, as a task of its own: sent once, and made again where its holder has died."""
    return luggage


def _result(future: Any, key: str) -> Result:  # noqa: ANN401 - a future of Dask
    if future.status == "finished":
        result: Result = future.result()
        return result
    if future.status == "error":
        error = future.exception()
        kind = type(error).__name__
        if kind == "KilledWorker":
            return failed(key, "every worker that performed it has died, is there memory enough? see the workers' logs")
        return failed(key, f"{kind}: {error}")
    message = f"the scheduler is gone, or was told to drop its work ({future.status})"
    raise ClusterLost(message)


def _check(client: "Client", place: str, code: Code) -> None:
    found = client.run(fingerprint, code.packages, on_error="return")
    if not found:
        message = f"the cluster has no worker yet; start some: dask worker {place.partition(' ')[2]} --nthreads 1"
        raise ConfigError([Problem(place, message)])
    problems = []
    for worker, there in sorted(found.items()):
        others = differing(dict(code.expected), there) if isinstance(there, dict) else [str(there)]
        if others:
            message = f"worker {worker} has other code, and would find other campaigns: {'; '.join(others)}"
            problems.append(Problem(place, f"{message}; install the same there"))
    if problems:
        raise ConfigError(problems)
