"""How fast and how right the checkers of histories are, beside what is to be reached.

    python -m benchmarks.checking [--data FOLDER] [--histories N] [--calls N] [--json FILE]

FOLDER holds Porcupine's test data (`etcd/*.log`, `kv/*.txt`) with `verdicts.json`, which maps each
file to whether it is linearizable; by default it is $ETAGERE_PORCUPINE. Without it, what needs it
is left out and said to be. Times are CPU seconds, reading included, so that other work on the
machine does not count; every contest starts in a process of its own.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

from benchmarks.contests import WITH_DATA, WITHOUT, Options
from benchmarks.lines import Line, play_all


def play(name: str, options: Options) -> list[Line]:
    """Play one contest."""
    return list((WITH_DATA | WITHOUT)[name](options))


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("ETAGERE_PORCUPINE", ""))
    parser.add_argument("--histories", type=int, default=5000, help="random small ones to compare")
    parser.add_argument("--calls", type=int, default=1_000_000, help="of the large history")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[*WITH_DATA, *WITHOUT], action="append")
    parser.add_argument(
        "--json", metavar="FILE", default="", help="write the results there as well"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    given = options_of(arguments)
    options = Options(given.data, given.histories, given.calls, given.seed)
    contests = [*(WITH_DATA if given.data else ()), *WITHOUT]
    names = [name for name in contests if not given.only or name in given.only]
    note = "" if given.data else f"left out without --data: {', '.join(WITH_DATA)}"
    one = partial(play, options=options)
    play_all("checking histories", names, one, note=note, json=given.json)


if __name__ == "__main__":
    main()
