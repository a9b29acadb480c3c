"""The Python client of Valence: send videos, follow them live, read what was felt in them.

from valence import Client

with Client("http://127.0.0.1:8000", "val_live_...") as client:
    upload = client.upload_file("clip.mp4")
    client.wait(upload.id)
    for utterance in client.analysis(upload.id).utterances:
        print(utterance.text, utterance.scores.emotion)
"""

from valence.client import Client, Format
from valence.errors import ApiError, ClientError, ServiceUnreachable, WaitTimedOut

__all__ = ["ApiError", "Client", "ClientError", "Format", "ServiceUnreachable", "WaitTimedOut"]
