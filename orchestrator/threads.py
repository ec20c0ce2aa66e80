"""How many threads the linear algebra uses: one, where many small products follow each other.

Threads that meet after every product of a fraction of a millisecond cost more than they save, and ten times as much
on a machine that does something else too. The order in which a sum is added up may depend on their number besides.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the linear algebra of numpy and scipy use one thread until the end of the block, or of a decorated call."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:  # noqa: ANN401 - threadpoolctl has no annotations
    import scipy.linalg  # noqa: F401, PLC0415 - brings a library of its own, which must be there to be found
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - only where something is computed

    return ThreadpoolController()
