"""What the card says of speed and memory: what the benchmarks measured last, with the command and the machine beside it.

Scores are recomputed whenever the card is written; times are not, or no card would ever be the same as the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from model.text import TextModel
from model.training.text.tables import table

_RESULTS = Path("benchmarks/results")

Figures = Mapping[str, Any]
#: What is quoted of each benchmark.
_QUOTED: dict[str, dict[str, Callable[[Figures], str]]] = {
    "bundled-text": {
        "loading the text model": lambda figures: f"{figures['loading_seconds']} s",
        "utterances a second, one thread, in batches": lambda figures: f"{figures['utterances_a_second']}",
        "one utterance alone": lambda figures: f"{figures['milliseconds_for_one_alone']} ms",
        "memory that the text model adds": lambda figures: f"{figures['added_memory_mib']} MiB",
        "its files": lambda figures: f"{figures['files_mib']} MiB",
    },
    "video-speed": {
        "a video of ten minutes, from its bytes to its analysis": lambda figures: f"{figures['pipeline_seconds']} s",
    },
    "video-memory": {
        "the most memory of the container's processes, over a video of two hours": lambda figures: f"{_longest(figures)['peak_mib']} MiB",
    },
}


def speed_and_memory(root: Path, model: TextModel) -> str:
    """A table of the results in the repository at `root`; what nobody has measured, or measured with other weights, is said."""
    rows, notes = [], []
    for name, quoted in _QUOTED.items():
        file = root / _RESULTS / f"{name}.json"
        if not file.exists():
            notes.append(f"Not measured yet: `python -m benchmarks {name}`.")
            continue
        result = msgspec.json.decode(file.read_bytes())
        rows += [(what, figure(result["figures"]), name, _machine(result["machine"])) for what, figure in quoted.items()]
        if result["figures"].get("sha256", model.ref.sha256) != model.ref.sha256:
            notes.append(f"`{name}` was measured with other weights of the same shape.")
    said = "What `python -m benchmarks NAME` measured last. " + " ".join(notes)
    return f"{said.strip()}\n\n" + (table(("what", "measured", "NAME", "on"), rows) if rows else "")


def _longest(figures: Figures) -> Figures:
    longest: Figures = next(value for name, value in reversed(list(figures.items())) if name.endswith("minutes"))
    return longest


def _machine(machine: Mapping[str, Any]) -> str:
    return f"{machine['processor']}, {machine['cores']} cores, {machine['date'][:10]}"
