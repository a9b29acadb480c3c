"""The Python client of Valence: send videos, follow them live, read what was felt in them.

from valence import Client

with Client("http://127.0.0.1:8000", "val_live_...") as client:
    upload = client.upload_file("clip.mp4")
    client.wait(upload.id)
    for utterance in client.analysis(upload.id).utterances:
        print(utterance.text, utterance.scores.emotion)

`AsyncClient` has the same methods for programs with an event loop.
"""

from valence.async_client import AsyncClient
from valence.client import Client
from valence.errors import (
    ApiError,
    ClientError,
    FileChanged,
    ServiceUnreachable,
    StorageRefused,
    UploadCancelled,
    WaitTimedOut,
    WebhookRefused,
)
from valence.formats import Format
from valence.receiving import verify_webhook
from valence.selection import Selection
from valence.transfer import Control

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ClientError",
    "Control",
    "FileChanged",
    "Format",
    "Selection",
    "ServiceUnreachable",
    "StorageRefused",
    "UploadCancelled",
    "WaitTimedOut",
    "WebhookRefused",
    "verify_webhook",
]
