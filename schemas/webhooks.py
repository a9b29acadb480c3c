"""What flows to webhooks, and over HTTP about them: messages by the Standard Webhooks specification, and the deliveries of each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec

from schemas.accounts import Label
from schemas.events import AnalysisSummary
from schemas.failures import Failure
from schemas.status import RANK, Status

#: The longest address of a receiver.
MOST_URL_CHARACTERS = 2_048


class WebhookEvent(StrEnum):
    """What a webhook can be told of: each status of an upload from `received` on, and each analysis that can be fetched."""

    ANALYSIS_PERSISTED = "analysis.persisted"
    UPLOAD_RECEIVED = "upload.received"
    UPLOAD_VALIDATED = "upload.validated"
    UPLOAD_ANALYSING = "upload.analysing"
    UPLOAD_COMPLETED = "upload.completed"
    UPLOAD_REJECTED = "upload.rejected"
    UPLOAD_FAILED = "upload.failed"
    UPLOAD_EXPIRED = "upload.expired"
    UPLOAD_CANCELLED = "upload.cancelled"


#: What a webhook is told of unless its maker says otherwise: each way in which an attempt can end, once.
ENDINGS = (
    WebhookEvent.ANALYSIS_PERSISTED,
    WebhookEvent.UPLOAD_REJECTED,
    WebhookEvent.UPLOAD_FAILED,
    WebhookEvent.UPLOAD_EXPIRED,
    WebhookEvent.UPLOAD_CANCELLED,
)
#: Deliveries that one statement changes or deletes, with their tries: of very many it would take too long.
MOST_AT_ONCE = 10_000
#: The event of a message that somebody sends to try a webhook out.
TEST_EVENT = "webhook.test"
#: What the audit log says of a webhook that was disabled because of how its receiver has answered.
DISABLED_ACTION = "account:webhook:disable"
#: The event that each status is told by; what comes before `received` its sender has done himself.
EVENT_OF = {status: WebhookEvent(f"upload.{status}") for status, rank in RANK.items() if rank >= RANK[Status.RECEIVED]}


class StatusData(msgspec.Struct, frozen=True, kw_only=True):
    """An upload's status: `sequence` counts its statuses without a gap, so that messages that overtake each other can be put in order."""

    upload_id: UUID
    attempt: int
    sequence: int
    status: Status
    failure: Failure | None = None


class AnalysisData(msgspec.Struct, frozen=True, kw_only=True):
    """An analysis in a few numbers; the whole of it is fetched from `path` at the API. No transcripts."""

    upload_id: UUID
    attempt: int
    path: str
    summary: AnalysisSummary


class TrialData(msgspec.Struct, frozen=True, kw_only=True):
    """What a test says: which webhook it tries out."""

    webhook_id: UUID


class WebhookMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a message, as Standard Webhooks lays it down; `timestamp` is when it happened."""

    type: str
    timestamp: datetime
    data: StatusData | AnalysisData | TrialData


Url = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_URL_CHARACTERS)]
Events = Annotated[list[WebhookEvent], msgspec.Meta(min_length=1, max_length=len(WebhookEvent))]


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook that somebody wants: the https address of its receiver, and what it is told of."""

    url: Url
    events: Events = msgspec.field(default_factory=lambda: list(ENDINGS))
    description: Label | None = None
    enabled: bool = True


class ChangeWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be another about a webhook; what is left out stays as it is."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    events: Events | msgspec.UnsetType = msgspec.UNSET
    description: Label | msgspec.UnsetType | None = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as its owner sees it.

    `disabled_reason` is `gone` where its receiver has answered 410 and `failing` where it has not answered well for days; then it is told
    nothing until it is enabled again. `failing_since` is the first failure after which nothing went well. Until `previous_until` the secret
    before the newest signs too.
    """

    id: UUID
    url: str
    description: str | None
    events: list[str]
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    previous_until: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookWithSecret(Webhook, frozen=True, kw_only=True):
    """A webhook whose secret was just made: `secret` is shown this once."""

    secret: str


class WebhookList(msgspec.Struct, frozen=True, kw_only=True):
    """The webhooks of an account, the oldest first."""

    data: list[Webhook]


class DeliveryState(StrEnum):
    """Where a delivery stands: it will be tried, it was taken, or nobody tries it any more unless it is replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try: the status that was answered, or the error, how long it took, and the first characters of the answer."""

    number: int
    at: datetime
    duration_seconds: float
    status: int | None
    error: str | None
    answer: str | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one webhook: `message_id` is its `webhook-id`, `message` its body, `newest_attempts` the newest of its tries.

    `next_attempt_at` is None while it is being tried, and when it is not tried any more.
    """

    id: UUID
    message_id: UUID
    type: str
    upload_id: UUID | None
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    newest_attempts: list[DeliveryAttempt]
    message: dict[str, Any]


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some deliveries, newest first, and where the next page begins: pass `next_cursor` as `after`; None on the last page."""

    data: list[Delivery]
    next_cursor: str | None


class ReplayFailures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when on what has failed is to be sent again."""

    since: Annotated[datetime, msgspec.Meta(tz=True)]


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries are sent again."""

    replayed: int
