"""Where the processor time goes: the table of the README, made of the last result of `throughput`, which writes it anew; a test compares.

`python -m benchmarks.breakdown` writes it without measuring.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

README = Path(__file__).with_name("README.md")
RESULT = Path(__file__).parent / "results" / "throughput.json"

BEGIN, END = "<!-- Made by `python -m benchmarks throughput`. -->\n", "<!-- End of what is made. -->\n"

#: What each child of the stack does for a video.
_WORK = {
    "validate-0": "one range of S3, opening and decoding in a child, two statements; its two children included",
    "invoke-0": "the job into S3, the signed call, two statements",
    "persist-0": "the answer from S3, one transaction",
    "status-projector": "three changes, each with its outbox row",
    "outbox-relay": "five records, read and forgotten in one statement a batch",
    "sagemaker-notices": "one message, its record, its deletion with nine others",
    "api": "reading the status topic",
    "sagemaker": "the endpoint's stand-in: its disk, S3, SQS",
    "storage": "SeaweedFS: the source read, the job written, the answer written and read",
    "queue": "ElasticMQ: one message in, out and deleted, each durable",
    "postgres": "PostgreSQL",
    "kafka": "11 records, and their readers",
}


def table(figures: dict[str, Any]) -> str:
    """The table for the figures of a run, its sum and what that run reached."""
    spent: dict[str, float] = figures["processor_milliseconds_a_video"]
    known = {name: milliseconds for name, milliseconds in spent.items() if name in _WORK}
    total = sum(spent.values())
    rows = [f"| {name.removesuffix('-0')} | {known[name]:.1f} | {_WORK[name]} |" for name in known]
    return "\n".join(
        [
            "| process | ms | what for |",
            "|---|---|---|",
            *rows,
            f"| all else | {total - sum(known.values()):.1f} | the load generator among it |",
            f"| **sum** | **{total:.1f}** | |",
            "",
            f"{figures['videos']} videos, {figures['videos_a_second']} a second, {figures['processors_busy']} processors busy.",
            "",
        ]
    )


def described(page: str, result: str) -> str:
    """The README with the table of a result in the place of the one that it has."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table(json.loads(result)["figures"]) + END + after


def refresh() -> None:
    """Write the table of the last result into the README."""
    README.write_text(described(README.read_text(), RESULT.read_text()))


if __name__ == "__main__":
    refresh()
