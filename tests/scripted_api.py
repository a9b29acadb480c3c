"""An API whose uploads end as their file names say, for tests of what speaks to the API: real HTTP, no servers behind it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID, uuid4

import msgspec

from schemas.accounts import Receipt
from schemas.analysis import Analysis, EmotionScores, Modality, ModelRef, NoUtterances, Scores, SentimentScores, Utterance
from schemas.events import UploadStatusChanged
from schemas.failures import Failure
from schemas.jobs import AnalysisOptions
from schemas.resources import (
    PROBLEM_MEDIA_TYPE,
    PROBLEM_TYPES,
    CreateUpload,
    PartUrl,
    PartUrls,
    ProblemDocument,
    Snapshot,
    StoredPart,
    Upload,
    UploadPage,
)
from schemas.status import Status

KEY = "val_live_test"
SRT = "1\n00:00:00,000 --> 00:00:01,500\n[joy] what a day\n\n"

_JOY = EmotionScores(anger=0.01, disgust=0.01, fear=0.01, joy=0.91, neutral=0.02, sadness=0.02, surprise=0.02)
_SCORES = Scores(emotions=_JOY, sentiments=SentimentScores(negative=0.05, neutral=0.1, positive=0.85))
ANALYSIS = Analysis(
    profile="test",
    media_seconds=1.5,
    compute_seconds=0.2,
    models=(ModelRef(role="text", name="scripted", sha256="ab" * 32),),
    modalities=(Modality.TEXT,),
    words_from="script",
    utterances=(Utterance(start=0.0, end=1.5, text="what a day", words=(), scores=_SCORES),),
)
SILENT = Analysis(
    profile="test", media_seconds=1.5, compute_seconds=0.2, models=(), modalities=(), words_from=None, reason=NoUtterances.NO_AUDIO
)
#: A caption by somebody who would like to clear the reader's terminal, and give it a colour of its own.
HOSTILE = msgspec.structs.replace(
    ANALYSIS,
    utterances=(msgspec.structs.replace(ANALYSIS.utterances[0], text="\x1b[2J\x1b]0;owned\x07what [bold]a[/bold] day"),),
)

_ROAD = (Status.CREATED, Status.UPLOADING, Status.RECEIVED, Status.VALIDATED, Status.ANALYSING)
_REJECTED = Failure(code="not_media", message="the file is no video or sound")
_EXPIRED = Failure(code="inference_expired", message="the endpoint did not get to this video in time", retryable=True)

#: By file name: the statuses, the last one's failure, and the analysis. Every other name ends like `good.mp4`; `slow.mp4` does not end.
_SCRIPTS: dict[str, tuple[tuple[Status, ...], Failure | None, Analysis | None]] = {
    "good.mp4": ((*_ROAD, Status.COMPLETED), None, ANALYSIS),
    "silent.mp4": ((*_ROAD, Status.COMPLETED), None, SILENT),
    "hostile.mp4": ((*_ROAD, Status.COMPLETED), None, HOSTILE),
    "bad.mp4": ((*_ROAD[:3], Status.REJECTED), _REJECTED, None),
    "late.mp4": ((*_ROAD, Status.EXPIRED), _EXPIRED, None),
    "slow.mp4": (_ROAD, None, None),
}


class ScriptedApi:
    """What the server knows: its address, and the uploads by id."""

    def __init__(self) -> None:
        self.url = ""
        self.uploads: dict[UUID, CreateUpload] = {}
        #: What was sent past the API, to the storage that it plays too.
        self.stored: dict[UUID, bytes] = {}
        self.stopped = threading.Event()

    def script(self, upload_id: UUID) -> tuple[tuple[Status, ...], Failure | None, Analysis | None]:
        return _SCRIPTS.get(self.uploads[upload_id].filename, _SCRIPTS["good.mp4"])

    def upload(self, upload_id: UUID) -> Upload:
        """An upload as it stands at the end of its script."""
        wanted, (statuses, failure, _) = self.uploads[upload_id], self.script(upload_id)
        return Upload(
            id=upload_id,
            filename=wanted.filename,
            content_type=None,
            bytes=wanted.bytes,
            source=f"s3://valence/uploads/{upload_id}/source",
            options=AnalysisOptions(),
            media=None,
            attempt=1,
            status=statuses[-1],
            sequence=len(statuses),
            failure=failure,
            created_at=datetime.now(UTC),
            updated_at=datetime.now(UTC),
        )

    def events(self, upload_id: UUID) -> Iterator[UploadStatusChanged]:
        statuses, failure, _ = self.script(upload_id)
        for sequence, status in enumerate(statuses, 1):
            yield UploadStatusChanged(
                upload_id=upload_id,
                account_id=UUID(int=1),
                attempt=1,
                sequence=sequence,
                status=status,
                occurred_at=datetime.now(UTC),
                failure=failure if sequence == len(statuses) else None,
            )


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    """Serve on a free port of loopback while the `with` lasts."""
    api = ScriptedApi()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield api
    finally:
        api.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(api: ScriptedApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: pytest's output is for tests."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self._is_known():
                return
            if self.path == "/v1/uploads":
                upload_id = uuid4()
                api.uploads[upload_id] = msgspec.json.decode(body, type=CreateUpload)
                if api.uploads[upload_id].filename == "garbage.mp4":
                    self._answer(201, b"<html>", "text/html")
                else:
                    created = msgspec.structs.replace(api.upload(upload_id), status=Status.CREATED, sequence=1, failure=None)
                    self._answer(201, msgspec.json.encode(created))
            elif self.path.endswith("/complete"):
                self._answer(200, msgspec.json.encode(api.upload(UUID(self.path.split("/")[3]))))
            elif self.path.endswith("/part-urls"):
                (number,) = msgspec.json.decode(body)["numbers"]
                place = f"{api.url}/storage/uploads/{self.path.split('/')[3]}/parts/{number}"
                url = PartUrl(number=number, url=place, expires_at=datetime.now(UTC))
                self._answer(200, msgspec.json.encode(PartUrls(urls=[url])))
            elif self.path.endswith("/cancel"):
                upload_id = UUID(self.path.split("/")[3])
                self._answer(200, msgspec.json.encode(msgspec.structs.replace(api.upload(upload_id), status=Status.CANCELLED)))
            else:
                upload_id = UUID(self.path.split("/")[3])
                self._answer(202, msgspec.json.encode(msgspec.structs.replace(api.upload(upload_id), attempt=2)))

        def do_DELETE(self) -> None:
            if not self._is_known():
                return
            del api.uploads[UUID(self.path.split("/")[3])]
            now = datetime.now(UTC)
            receipt = Receipt(
                id=UUID(int=7), kind="upload", asked_at=now, finished_at=None, forgotten_by=now, uploads=1, objects=0, tombstones=2
            )
            self._answer(202, msgspec.json.encode(receipt))

        def do_PUT(self) -> None:
            upload_id, number = UUID(self.path.split("/")[3]), int(self.path.split("/")[5])
            body = self.rfile.read(int(self.headers["Content-Length"]))
            etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
            match api.uploads[upload_id].filename:
                case _ if self.path.startswith("/storage/"):
                    api.stored[upload_id] = body
                    self._answer(200, b"", etag=etag)
                case "refused.mp4":
                    self._problem(413, "content-too-large", "the content has 9 bytes: at most 8 are accepted")
                case "away.mp4":
                    self._problem(503, "dependency-unavailable", "s3 is unavailable", again_after=3_600)
                case _:
                    self._answer(200, msgspec.json.encode(StoredPart(number=number, bytes=len(body), etag=etag)))

        def do_GET(self) -> None:
            if not self._is_known():
                return None
            path = self.path.partition("?")[0]
            if path == "/v1/uploads":
                page = UploadPage(data=[api.upload(upload_id) for upload_id in api.uploads], next_cursor=None)
                return self._answer(200, msgspec.json.encode(page))
            if path == "/v1/events":
                snapshot = Snapshot(uploads=[api.upload(upload_id) for upload_id in api.uploads], truncated=False)
                return self._stream([b"event: snapshot\ndata: " + msgspec.json.encode(snapshot) + b"\n\n"], ends=False)
            upload_id, _, rest = path.removeprefix("/v1/uploads/").partition("/")
            if UUID(upload_id) not in api.uploads:
                return self._problem(404, "no-such-upload", f"this account has no upload {upload_id!r}")
            return self._about(UUID(upload_id), rest)

        def _about(self, upload_id: UUID, rest: str) -> None:
            statuses, _, analysis = api.script(upload_id)
            match rest:
                case "" if api.uploads[upload_id].filename == "unseen.mp4":
                    self._problem(403, "insufficient-scope", "the key lacks the scope 'uploads:read'")
                case "":
                    self._answer(200, msgspec.json.encode(api.upload(upload_id)))
                case "events":
                    texts = [
                        b"event: status\nid: %d\ndata: " % event.sequence + msgspec.json.encode(event) + b"\n\n"
                        for event in api.events(upload_id)
                    ]
                    self._stream(texts, ends=statuses[-1] is not Status.ANALYSING)
                case "analysis.srt":
                    self._answer(200, SRT.encode(), "application/x-subrip")
                case _ if analysis is None:
                    self._problem(409, "analysis-not-ready", f"the upload is {statuses[-1]}")
                case _:
                    self._answer(200, msgspec.json.encode(analysis))

        def _is_known(self) -> bool:
            if self.headers["Authorization"] == f"Bearer {KEY}":
                return True
            self._problem(401, "unknown-key", "no account has this key")
            return False

        def _stream(self, texts: list[bytes], *, ends: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"".join(texts))
            self.wfile.flush()
            if not ends:
                api.stopped.wait()

        def _problem(self, status: int, name: str, detail: str, again_after: int | None = None) -> None:
            problem = ProblemDocument(type=PROBLEM_TYPES + name, title=name, status=status, detail=detail)
            self._answer(status, msgspec.json.encode(problem), PROBLEM_MEDIA_TYPE, again_after)

        def _answer(
            self, status: int, body: bytes, content_type: str = "application/json", again_after: int | None = None, etag: str | None = None
        ) -> None:
            self.send_response(status)
            if etag is not None:
                self.send_header("ETag", f'"{etag}"')
            if again_after is not None:
                self.send_header("Retry-After", str(again_after))
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
