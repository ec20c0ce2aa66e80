"""Run and compare planners: `python -m benchmarks.planners --planners ours,random --family gaussians3 --labs 20`."""

import os
import sys

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"  # before numpy is imported, or it would be too late

from benchmarks.planners.command import main  # noqa: E402 - as above

if __name__ == "__main__":
    main(sys.argv[1:])
