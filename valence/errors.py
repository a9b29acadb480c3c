"""What can go wrong for a program that uses the client."""

from __future__ import annotations

import httpx
import msgspec

from schemas.resources import PROBLEM_TYPES, ProblemDocument


class ClientError(Exception):
    """Every error of the client."""


class ServiceUnreachable(ClientError):
    """The API cannot be reached, or the connection broke; nothing is known of what became of the request."""

    def __init__(self, base_url: str, cause: Exception) -> None:
        super().__init__(
            f"{base_url} cannot be reached ({cause or type(cause).__name__}): is the API running there? `valence local status` tells"
        )
        self.base_url = base_url


class WaitTimedOut(ClientError):
    """The upload had not come to an end when the time was over; it goes on."""


class UploadCancelled(ClientError):
    """The upload was cancelled by its sender; what has come of it waits for a day to be gone on with."""


class FileChanged(ClientError):
    """The file is not the one whose upload began: its size or its time of change is another."""


class StorageRefused(ClientError):
    """S3 does not take a part at the address that the API gave for it."""


class WebhookRefused(ClientError):
    """What has come is no message of ours, or too old: it must not be believed."""


class ApiError(ClientError):
    """The API has answered with a problem: `problem` is its document, `name` says which one, like `no-such-upload`."""

    def __init__(self, problem: ProblemDocument, retry_after: float | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        #: Seconds after which the API wants to be asked again, where it says so.
        self.retry_after = retry_after

    @property
    def name(self) -> str:
        """The last part of the problem's type."""
        return self.problem.type.removeprefix(PROBLEM_TYPES)


def raise_for_problem(response: httpx.Response) -> None:
    """Raise ApiError for an answer that is an error; its body must have been read."""
    if response.status_code < 400:
        return
    try:
        problem = msgspec.json.decode(response.content, type=ProblemDocument)
    except msgspec.MsgspecError:  # a proxy in between has answered in its own way
        problem = ProblemDocument(type="about:blank", title=response.reason_phrase, status=response.status_code, detail=response.text[:500])
    after = response.headers.get("retry-after", "")
    raise ApiError(problem, float(after) if after.isdigit() else None)
