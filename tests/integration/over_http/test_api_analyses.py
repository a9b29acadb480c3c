"""The analysis of an upload over HTTP: its formats, its attempts, and why there is none."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from psycopg.types.json import Jsonb

from local.sagemaker.answers import instant_analysis
from runtime import uploads
from runtime.database import Database
from runtime.uploads import NewUpload
from schemas.analysis import Analysis
from schemas.events import Source
from schemas.failures import Failure, FailureCode
from schemas.jobs import inference_id
from schemas.resources import PROBLEM_TYPES
from schemas.status import Status

Put = Callable[..., Awaitable[UUID]]
#: By Accept, by the suffix of the address, and the suffix of the file's name.
FORMATS = [
    ("application/json", ".json"),
    ("application/x-subrip", ".srt"),
    ("text/vtt", ".vtt"),
    ("text/csv", ".csv"),
    ("text/x-eaf+xml", ".eaf"),
]


@pytest.fixture
def put(database: Database, account: UUID) -> Put:
    """Stores an upload of the test's account that stands as told, with the analyses of these attempts."""

    async def stored(
        status: Status = Status.COMPLETED, failure: Failure | None = None, attempts: tuple[int, ...] = (), attempt: int = 1
    ) -> UUID:
        upload_id = uuid4()
        new = NewUpload(id=upload_id, account_id=account, source=Source(bucket="valence", key="ingest/clip.mp4"), attempt=attempt)
        async with database.transaction() as connection:
            assert await uploads.insert(connection, new, Status.RECEIVED, "/tests")
            if status is not Status.RECEIVED:
                assert await uploads.apply_status(connection, upload_id, attempt, status, "/tests", failure)
        for number in attempts:
            document = Jsonb(msgspec.to_builtins(analysis(upload_id, number)))
            await database.rows(
                "keep_analysis", upload_id=upload_id, attempt=number, document=document, media_seconds=2.0, compute_seconds=0.0
            )
        return upload_id

    return stored


def analysis(upload_id: UUID, attempt: int = 1) -> Analysis:
    """What is stored: its words name the upload and the attempt."""
    return instant_analysis(inference_id(upload_id, attempt))


def words(upload_id: UUID, attempt: int = 1) -> str:
    return f"Answer to {inference_id(upload_id, attempt)}"


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix(PROBLEM_TYPES)


async def test_the_analysis_is_given_as_it_was_stored(http: httpx.AsyncClient, put: Put) -> None:
    upload_id = await put(attempts=(1,))
    answer = await http.get(f"/v1/uploads/{upload_id}/analysis")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["valence-attempt"] == "1"
    assert "content-disposition" not in answer.headers
    assert msgspec.json.decode(answer.content, type=Analysis) == analysis(upload_id)


@pytest.mark.parametrize(("media_type", "suffix"), FORMATS)
async def test_accept_and_the_suffix_choose_the_same_format(http: httpx.AsyncClient, put: Put, media_type: str, suffix: str) -> None:
    upload_id = await put(attempts=(1,))
    by_accept = await http.get(f"/v1/uploads/{upload_id}/analysis", headers={"Accept": media_type})
    by_suffix = await http.get(f"/v1/uploads/{upload_id}/analysis{suffix}", headers={"Accept": "image/png"})
    for answer in (by_accept, by_suffix):
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].split(";")[0] == media_type
        assert "accept" in answer.headers["vary"].lower()
        assert words(upload_id) in answer.text
    assert by_accept.content == by_suffix.content


@pytest.mark.parametrize("suffix", [".srt", ".vtt", ".csv", ".eaf"])
async def test_what_is_not_json_is_a_file_named_after_the_upload(http: httpx.AsyncClient, put: Put, suffix: str) -> None:
    upload_id = await put(attempts=(1,))
    answer = await http.get(f"/v1/uploads/{upload_id}/analysis{suffix}")
    assert answer.headers["content-disposition"] == f'attachment; filename="{upload_id}{suffix}"'


async def test_subtitles_say_when_and_how_and_what(http: httpx.AsyncClient, put: Put) -> None:
    upload_id = await put(attempts=(1,))
    scores = analysis(upload_id).utterances[0].scores
    srt = (await http.get(f"/v1/uploads/{upload_id}/analysis.srt")).text
    assert srt.splitlines() == ["1", "00:00:00,000 --> 00:00:02,000", f"[{scores.emotion}] {words(upload_id)}"]
    vtt = (await http.get(f"/v1/uploads/{upload_id}/analysis.vtt")).text
    cue = f"<c.{scores.emotion}.{scores.sentiment}>{words(upload_id)}</c>"
    assert vtt.splitlines() == ["WEBVTT", "", "1", "00:00:00.000 --> 00:00:02.000", cue]


async def test_the_table_has_a_row_an_utterance_with_every_probability(http: httpx.AsyncClient, put: Put) -> None:
    upload_id = await put(attempts=(1,))
    scores = analysis(upload_id).utterances[0].scores
    (row,) = csv.DictReader(io.StringIO((await http.get(f"/v1/uploads/{upload_id}/analysis.csv")).text))
    assert (row["start"], row["end"], row["text"], row["emotion"]) == ("0.000", "2.000", words(upload_id), scores.emotion)
    assert float(row["emotion_anger"]) == pytest.approx(scores.emotions.anger, abs=1e-4)
    assert float(row["sentiment_negative"]) == pytest.approx(scores.sentiments.negative, abs=1e-4)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv;q=0.2, text/vtt;q=0.9", "text/vtt"),
        ("*/*", "application/json"),
        ("text/*", "text/vtt"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
async def test_of_several_formats_the_preferred_one_is_given(http: httpx.AsyncClient, put: Put, accept: str, media_type: str) -> None:
    upload_id = await put(attempts=(1,))
    answer = await http.get(f"/v1/uploads/{upload_id}/analysis", headers={"Accept": accept})
    assert answer.headers["content-type"].split(";")[0] == media_type


async def test_a_format_that_nobody_makes_is_refused_with_those_that_there_are(http: httpx.AsyncClient, put: Put) -> None:
    upload_id = await put(attempts=(1,))
    answer = await http.get(f"/v1/uploads/{upload_id}/analysis", headers={"Accept": "image/png"})
    assert problem(answer) == (406, "not-acceptable")
    for media_type in ("image/png", *(media_type for media_type, _ in FORMATS)):
        assert media_type in answer.json()["detail"]


async def test_the_newest_attempt_is_given_unless_another_is_asked_for(http: httpx.AsyncClient, put: Put) -> None:
    upload_id = await put(attempts=(1, 3), attempt=3)
    for asked, given in (("", 3), ("?attempt=3", 3), ("?attempt=1", 1)):
        answer = await http.get(f"/v1/uploads/{upload_id}/analysis{asked}")
        assert answer.headers["valence-attempt"] == str(given)
        assert answer.json()["utterances"][0]["text"] == words(upload_id, given)
    assert words(upload_id, 1) in (await http.get(f"/v1/uploads/{upload_id}/analysis.srt?attempt=1")).text


async def test_while_another_attempt_is_worked_on_the_older_analysis_is_given(http: httpx.AsyncClient, put: Put) -> None:
    upload_id = await put(Status.ANALYSING, attempts=(1,), attempt=2)
    answer = await http.get(f"/v1/uploads/{upload_id}/analysis")
    assert (answer.status_code, answer.headers["valence-attempt"]) == (200, "1")
    newest = await http.get(f"/v1/uploads/{upload_id}/analysis?attempt=2")
    assert problem(newest) == (409, "analysis-not-ready")


@pytest.mark.parametrize("asked", [2, 5])
async def test_an_attempt_without_an_analysis_is_not_found(http: httpx.AsyncClient, put: Put, asked: int) -> None:
    upload_id = await put(attempts=(1, 3), attempt=3)
    answer = await http.get(f"/v1/uploads/{upload_id}/analysis?attempt={asked}")
    assert problem(answer) == (404, "no-analysis")
    assert f"attempt {asked}" in answer.json()["detail"]


@pytest.mark.parametrize("asked", ["0", "-1", "first", "1000001"])
async def test_an_attempt_that_cannot_be_is_a_wrong_value(http: httpx.AsyncClient, put: Put, asked: str) -> None:
    upload_id = await put(attempts=(1,))
    answer = await http.get(f"/v1/uploads/{upload_id}/analysis?attempt={asked}")
    assert problem(answer) == (422, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == ["attempt"]


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.VALIDATED, Status.ANALYSING])
async def test_an_analysis_that_is_still_to_come_is_not_ready(http: httpx.AsyncClient, put: Put, status: Status) -> None:
    upload_id = await put(status)
    for suffix in ("", ".srt"):
        answer = await http.get(f"/v1/uploads/{upload_id}/analysis{suffix}")
        assert problem(answer) == (409, "analysis-not-ready")
        assert answer.json()["upload_status"] == status
        assert f"/v1/uploads/{upload_id}/events" in answer.json()["detail"]


@pytest.mark.parametrize(("retryable", "advice"), [(True, "try it again"), (False, "a retry of the same file does not help")])
async def test_a_failed_upload_has_no_analysis_and_says_why_and_whether_a_retry_helps(
    http: httpx.AsyncClient, put: Put, retryable: bool, advice: str
) -> None:
    upload_id = await put(Status.FAILED, Failure(code=FailureCode.INVALID_ANALYSIS, message="no use", retryable=retryable))
    answer = await http.get(f"/v1/uploads/{upload_id}/analysis")
    assert problem(answer) == (404, "no-analysis")
    document = answer.json()
    assert (document["upload_status"], document["failure"]["message"]) == ("failed", "no use")
    assert advice in document["detail"]


@pytest.mark.parametrize("suffix", ["", ".json", ".srt", ".vtt", ".csv", ".eaf", "?attempt=1"])
async def test_another_accounts_analysis_does_not_exist(http: httpx.AsyncClient, put: Put, stranger: str, suffix: str) -> None:
    upload_id = await put(attempts=(1,))
    theirs = await http.get(f"/v1/uploads/{upload_id}/analysis{suffix}", headers={"Authorization": f"Bearer {stranger}"})
    unknown = await http.get(f"/v1/uploads/{uuid4()}/analysis{suffix}")
    assert problem(theirs) == problem(unknown) == (404, "no-such-upload")
    assert words(upload_id) not in theirs.text
