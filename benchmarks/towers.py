"""How long the face tower takes for a clip, by precision and memory layout, and how far its answer moves: is what is used the quickest?

Random weights: they decide neither the time nor by how much rounding moves an answer. One thread; processor time, since others may
work on the machine; the median of some runs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

_CLIPS, _RUNS = 2, 5


async def measure() -> dict[str, Any]:
    """Processor milliseconds a clip, and the largest change of a probability against float32. Passed: what is used is the quickest."""
    import torch

    from model.device import best_device, has_quick_bf16

    torch.set_num_threads(1)
    figures = dict(_figures())
    times = {name: figure["processor_milliseconds_a_clip"] for name, figure in figures.items()}
    used = f"{'bfloat16' if has_quick_bf16(best_device()) else 'float32'}, channels last"
    return {"passed": min(times, key=lambda name: times[name]) == used, "used": used, **figures}


def _figures() -> Iterator[tuple[str, dict[str, float]]]:
    import torch

    from model.face import FaceTower, Trunk

    torch.manual_seed(0)
    tower = FaceTower(Trunk.R3D_18, 128).eval()
    head = torch.nn.Linear(128, 7)
    clips = torch.randint(0, 256, (_CLIPS, 16, 112, 112, 3), dtype=torch.uint8)
    exact = None
    for layout, memory in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last_3d)):
        tower.trunk.to(memory_format=memory)
        pictures = (clips.float() / 255 - tower.mean) / tower.deviation
        seen = pictures.permute(0, 4, 1, 2, 3).contiguous(memory_format=memory)
        for precision, mixed in (("float32", False), ("bfloat16", True)):
            taken = []
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                for _ in range(_RUNS + 1):
                    began = time.process_time()
                    logits = head(tower.project(tower.trunk(seen)))
                    taken.append(time.process_time() - began)
                probabilities = torch.softmax(logits.float(), dim=1)
            exact = probabilities if exact is None else exact
            yield (
                f"{precision}, {layout}",
                {
                    "processor_milliseconds_a_clip": round(1000 * statistics.median(taken[1:]) / _CLIPS, 1),
                    "largest_change_of_a_probability": round(float((probabilities - exact).abs().max()), 5),
                },
            )
