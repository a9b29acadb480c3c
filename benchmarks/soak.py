"""`python -m benchmarks.soak`: kill everything while it works, and count. Ends with code 1 if any count is not what it must be."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.phases import FIRST, SECOND, SMALL, Phase
from benchmarks.results import write
from benchmarks.soak_run import run


def main(arguments: list[str]) -> int:
    """Run the phases asked for and print their counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--small", action="store_true", help="the short version that every change is tested with")
    parser.add_argument("--phase", type=int, choices=(1, 2), help="only this phase")
    parser.add_argument("--seed", type=int, help="of the order of kills; one is drawn and printed otherwise")
    parser.add_argument("--acknowledge-first", action="store_true", help="run stages that are broken on purpose: the soak must then fail")
    parser.add_argument("--keep", type=Path, help="keep data and logs in this folder")
    chosen = parser.parse_args(arguments)
    seed = random.randrange(1_000_000) if chosen.seed is None else chosen.seed
    phases = (SMALL,) if chosen.small else {None: (FIRST, SECOND), 1: (FIRST,), 2: (SECOND,)}[chosen.phase]
    outcomes = [_run(phase, seed, chosen.acknowledge_first, chosen.keep) for phase in phases]
    if len(phases) > 1 and not chosen.acknowledge_first:
        write("soak", {"seed": seed, "phases": outcomes})
    passed = all(not outcome["wrongs"] for outcome in outcomes)
    print("the soak has passed" if passed else "THE SOAK HAS FAILED", flush=True)
    return 0 if passed else 1


def _run(phase: Phase, seed: int, acknowledge_first: bool, keep: Path | None) -> dict[str, object]:
    print(f"{phase.name}: seed {seed}{', stages that acknowledge first' if acknowledge_first else ''}", flush=True)
    with tempfile.TemporaryDirectory(prefix="valence-soak-") as folder:
        data = keep / phase.name.replace(" ", "-") if keep else Path(folder)
        return asyncio.run(run(phase, seed, data, acknowledge_first=acknowledge_first))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
