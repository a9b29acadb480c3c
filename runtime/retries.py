"""How long to wait before trying again: exponential backoff with full jitter.

Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random


def backoff(attempt: int, *, base: float = 0.2, cap: float = 2.0) -> float:
    """Seconds to wait after the failed attempt number `attempt`, counted from 1: between 0 and `base` x 2^attempt, at most `cap`."""
    return random.uniform(0, min(cap, base * 2.0 ** min(attempt, 30)))
