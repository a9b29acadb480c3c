"""What SageMaker's ready-made PyTorch image imports from the archive: how to load the model, and how to answer a request.

The image knows four functions, or `model_fn` and `transform_fn` in place of the other three. With the four, every error becomes a 500
with a stack trace; here it keeps its status and its code, as in the image of Valence.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from model import handler
from model.errors import ModelError, OutOfMemory
from model.handler import model_fn
from model.pipeline import Analyser
from schemas.failures import Failure

__all__ = ["model_fn", "transform_fn"]


class Context(Protocol):
    """What the image tells of a request, and is told of its answer."""

    def set_response_status(self, code: int, phrase: str = "") -> None:
        """Answer with this status instead of 200."""


def transform_fn(model: Analyser, body: bytes | str, content_type: str, accept: str, context: Context) -> tuple[bytes, str]:
    """The analysis of the request as JSON, or the error with its status; and that it is JSON."""
    try:
        analysis = handler.predict_fn(handler.input_fn(body, content_type), model)
        return handler.output_fn(analysis, accept), handler.JSON
    except Exception as fault:
        error = OutOfMemory() if OutOfMemory.is_meant_by(fault) else fault
        if not isinstance(error, ModelError):
            raise
        context.set_response_status(error.status, error.status.phrase)
        return msgspec.json.encode(Failure(code=error.code, message=str(error), retryable=error.retryable)), handler.JSON
