"""``python -m tests.simulation --seeds N [--from M]``: many histories; ``--seed S [--trace]``: one, told as it happens."""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback

import structlog

from smsgwd.queue.transaction import Transaction
from tests.knowing import watched
from tests.simulation.history import History


def quiet() -> None:
    """What the gateway logs is not what a history tells."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main(args: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--trace", action="store_true")
    asked = parser.parse_args(args)
    seeds = range(asked.first, asked.first + asked.seeds) if asked.seed is None else (asked.seed,)
    quiet()
    Transaction.confirm = watched(Transaction.confirm)  # type: ignore[method-assign]
    began, failed = time.monotonic(), []
    for seed in seeds:
        try:
            outcome = History(seed, trace=asked.trace).run()
        except Exception as e:  # noqa: BLE001 - any error is a mistake that this seed has found
            failed.append(seed)
            traceback.print_exception(e, limit=None if asked.trace else -3)
            print(f"seed {seed} failed; again: {sys.executable} -m tests.simulation --seed {seed} --trace", flush=True)
            continue
        if asked.seed is not None:
            print(f"seed {seed}: {outcome}")
    seconds = time.monotonic() - began
    print(f"{len(seeds)} histories in {seconds:.1f} s ({len(seeds) / seconds * 60:.0f} a minute), {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
