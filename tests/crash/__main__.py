"""`python -m tests.crash [--kills N] [--seed N]`: kill -9 the journal's writers, and print what was found."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.run import Count, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the points in time")
    chosen = parser.parse_args()
    started, count = time.monotonic(), Count()
    print(f"seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        for so_far in run(Path(folder), chosen.kills, random.Random(chosen.seed)):
            count = so_far
            print(f"{count.kills} kills, {len(count.broken)} promises broken", file=sys.stderr, flush=True)
    print(count.report(time.monotonic() - started))
    sys.exit(1 if count.broken else 0)
