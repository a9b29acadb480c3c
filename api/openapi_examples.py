"""An example of everything that flows over HTTP, for the OpenAPI document: one value of each struct, so that it cannot go stale unseen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from api.health import Health
from schemas import accounts as people
from schemas import resources as work
from schemas import webhooks as hooks
from schemas.analysis import Analysis, EmotionScores, Modality, ModelRef, Scores, SentimentScores, Utterance, Word
from schemas.jobs import AnalysisOptions
from schemas.media import AudioInfo, MediaInfo, VideoInfo
from schemas.status import Status

_AT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
_UPLOAD = UUID("0198c7a2-5b1e-7c3d-9f00-3a2b1c4d5e6f")
_ACCOUNT = UUID("0198c7a0-1111-7222-8333-444455556666")
_SESSION = UUID("0198c7a1-aaaa-7bbb-8ccc-ddddeeeeffff")
_ETAG = "5d41402abc4b2a76b9719d911017c592"
_PART_URL = f"https://s3.example/valence/uploads/{_UPLOAD}/source?partNumber=1&uploadId=2~x&X-Amz-Signature=..."
#: Printed where a whole secret would stand: one that works nowhere.
_KEY = "val_live_0EXAMPLE0KEY_..."
_PASSPHRASE = "correct horse battery staple"  # noqa: S105

_scores = Scores(
    emotions=EmotionScores(anger=0.02, disgust=0.01, fear=0.01, joy=0.82, neutral=0.09, sadness=0.01, surprise=0.04),
    sentiments=SentimentScores(negative=0.03, neutral=0.11, positive=0.86),
)
_account = people.Account(
    id=_ACCOUNT, email="ada@example.org", name=None, plan="free", created_at=_AT, email_verified_at=_AT + timedelta(minutes=2)
)
_session = people.Session(
    id=_SESSION,
    created_at=_AT,
    last_used_at=_AT,
    expires_at=_AT + timedelta(days=30),
    address="203.0.113.7",
    user_agent="Mozilla/5.0",
    current=True,
)
_upload = work.Upload(
    id=_UPLOAD,
    filename="talk.mp4",
    content_type="video/mp4",
    bytes=18_874_368,
    source=f"s3://valence/uploads/{_UPLOAD}/source",
    options=AnalysisOptions(),
    media=MediaInfo(
        container="mov,mp4,m4a,3gp,3g2,mj2",
        bytes=18_874_368,
        duration_seconds=73.2,
        video=VideoInfo(codec="h264", width=1_280, height=720, frame_rate=25.0),
        audio=AudioInfo(codec="aac", sample_rate=48_000, channels=2),
    ),
    attempt=1,
    status=Status.COMPLETED,
    sequence=6,
    failure=None,
    compute_seconds=4.1,
    created_at=_AT,
    updated_at=_AT + timedelta(seconds=9),
)
_key = people.Key(
    id="0EXAMPLE0KEY",
    name="nightly script",
    last_four="1aB9",
    scopes=["uploads:read", "uploads:write"],
    created_at=_AT,
    expires_at=None,
    revoked_at=None,
    last_used_at=None,
)
_part = work.StoredPart(number=1, bytes=8_388_608, etag=_ETAG)

_webhook = hooks.Webhook(
    id=UUID("0198c7a4-0000-7000-8000-000000000002"),
    url="https://receiver.example/valence",
    description=None,
    events=["analysis.persisted", "upload.failed"],
    enabled=True,
    disabled_reason=None,
    failing_since=None,
    previous_until=None,
    created_at=_AT,
    updated_at=_AT,
)
_delivery = hooks.Delivery(
    id=UUID("0198c7a5-0000-7000-8000-000000000003"),
    message_id=UUID("0198c7a5-0000-7000-8000-000000000004"),
    type="upload.failed",
    upload_id=_UPLOAD,
    state=hooks.DeliveryState.DELIVERED,
    attempts=1,
    created_at=_AT,
    next_attempt_at=None,
    newest_attempts=[hooks.DeliveryAttempt(number=1, at=_AT, duration_seconds=0.12, status=204, error=None, answer=None)],
    message={"type": "upload.failed", "timestamp": "2026-11-26T09:30:00Z", "data": {"upload_id": str(_UPLOAD), "attempt": 1}},
)

#: One value of each struct that is the body of a request or an answer.
_VALUES: tuple[msgspec.Struct, ...] = (
    work.CreateUpload(filename="talk.mp4", bytes=18_874_368, content_type="video/mp4"),
    _upload,
    work.UploadPage(data=[_upload], next_cursor=None),
    work.PartList(part_size=8_388_608, parts=[_part]),
    _part,
    work.AskPartUrls(numbers=[1, 2]),
    work.PartUrls(urls=[work.PartUrl(number=1, url=_PART_URL, expires_at=_AT + timedelta(minutes=15))]),
    work.CompleteUpload(parts=[work.SentPart(number=1, etag=_ETAG)]),
    Analysis(
        profile="bundled",
        media_seconds=73.2,
        compute_seconds=4.1,
        models=(ModelRef(role="text", name="valence-text", sha256="0" * 64),),
        modalities=(Modality.TEXT,),
        words_from="speech",
        language="en",
        text_languages=("en",),
        language_supported=True,
        utterances=(
            Utterance(
                start=1.2,
                end=2.9,
                text="We did it!",
                words=(Word(text="We", start=1.2, end=1.4), Word(text="did", start=1.4, end=1.8), Word(text="it!", start=1.8, end=2.9)),
                scores=_scores,
                modalities={Modality.TEXT: _scores},
            ),
        ),
    ),
    people.SignUp(email="ada@example.org", password=_PASSPHRASE),
    people.SignIn(email="ada@example.org", password=_PASSPHRASE),
    _account,
    people.SignedIn(account=_account, session=_session),
    people.SessionList(data=[_session]),
    people.ChangePassword(current_password=_PASSPHRASE, new_password="staple battery horse correct"),  # noqa: S106
    people.RequestReset(email="ada@example.org"),
    people.ResetPassword(token="the part of the link after #reset=", new_password=_PASSPHRASE),  # noqa: S106
    people.VerifyEmail(token="the part of the link after #verify="),  # noqa: S106
    people.CloseAccount(password=_PASSPHRASE),
    people.NewKey(name="nightly script"),
    people.CreatedKey(**msgspec.structs.asdict(_key), key=_KEY),
    people.KeyList(data=[_key]),
    people.AuditPage(
        data=[
            people.AuditEvent(
                id=UUID("0198c7a3-0000-7000-8000-000000000001"),
                at=_AT,
                action="account:login:success",
                address="203.0.113.7",
                user_agent="Mozilla/5.0",
                key_id=None,
                session_id=_SESSION,
                detail=None,
            )
        ],
        next_cursor=None,
    ),
    people.Usage(
        plan="free",
        month="2026-11",
        resets_at=datetime(2026, 12, 1, tzinfo=UTC),
        videos=people.Allowance(used=12, reserved=1, limit=100),
        minutes=people.Allowance(used=34.5, reserved=1.2, limit=300),
        compute_seconds=141.0,
    ),
    people.Receipt(
        id=UUID("5e0c9a34-7d1f-4b52-8a55-0d8b6a1f2c3d"),
        kind="upload",
        asked_at=_AT,
        finished_at=None,
        forgotten_by=_AT + timedelta(days=31),
        uploads=1,
        objects=0,
        tombstones=2,
    ),
    people.ReceiptItems(
        data=[people.ReceiptItem(kind="object", name=f"s3://valence/uploads/{_UPLOAD}/source", number=1, at=_AT)], next_cursor=None
    ),
    people.CheckReceipt(signature="0" * 64),
    people.ReceiptCheck(checked_at=_AT, genuine=True, reappeared=[], objects_looked_for=1),
    hooks.NewWebhook(url="https://receiver.example/valence"),
    hooks.ChangeWebhook(enabled=False),
    _webhook,
    hooks.WebhookList(data=[_webhook]),
    hooks.WebhookWithSecret(**msgspec.structs.asdict(_webhook), secret="whsec_..."),  # noqa: S106
    _delivery,
    hooks.DeliveryPage(data=[_delivery], next_cursor=None),
    hooks.ReplayFailures(since=_AT),
    hooks.Replayed(replayed=3),
    Health(obstacles=[]),
)
#: The same as JSON, by the name of the struct, which is the name of its schema.
EXAMPLES: dict[str, Any] = {type(value).__name__: msgspec.to_builtins(value) for value in _VALUES}
