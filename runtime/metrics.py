"""Every metric of Valence, in one list; the documentation's table is generated from it.

Base units, the prefix `valence_`, and never an id as a label.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

#: From a millisecond to the longest that a handler may take.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

STAGE_DURATION = Histogram("valence_stage_duration_seconds", "Time a stage's handler took for one event.", ["stage"], buckets=_SECONDS)
STAGE_EVENTS = Counter("valence_stage_events_total", "Events a stage has finished, by how they ended.", ["stage", "outcome"])
STAGE_RETRIES = Counter("valence_stage_retries_total", "Attempts that failed and were made again.", ["stage"])
STAGE_IN_FLIGHT = Gauge("valence_stage_in_flight", "Events a stage is working on.", ["stage"])
DEAD_LETTERS = Counter("valence_dead_letters_total", "Records sent to a dead-letter topic, by reason.", ["topic", "reason"])
DEPENDENCY_WAITS = Counter("valence_dependency_waits_total", "Times that work waited for a server that was away.", ["dependency"])
CONSUMER_LAG = Gauge(
    "valence_consumer_lag_records", "Records a consumer group has not committed yet, from the broker's side.", ["group", "topic"]
)
OUTBOX_OLDEST_AGE = Gauge("valence_outbox_oldest_age_seconds", "Age of the oldest outbox row that is not published yet.")
OUTBOX_PUBLISHED = Counter("valence_outbox_published_total", "Outbox rows published.", ["topic"])
INVOCATIONS = Counter("valence_invocations_total", "Calls of InvokeEndpointAsync, by result.", ["outcome"])
INVOCATIONS_REPEATED = Counter(
    "valence_invocations_repeated_total", "Calls made again because the first one's answer was never recorded: possibly paid twice."
)
NOTICES = Counter("valence_notices_total", "Notices read from SQS, by what became of them.", ["outcome"])
RECONCILED = Counter("valence_reconciled_total", "Invocations whose end no notice told, by how they ended.", ["outcome"])
STATUS_CHANGES = Counter("valence_status_changes_total", "Statuses applied or ignored.", ["status", "outcome"])
REJECTIONS = Counter("valence_rejections_total", "Uploads that validation refused, by code.", ["code"])
SSE_SUBSCRIBERS = Gauge("valence_sse_subscribers", "Open streams of server-sent events.")
SSE_DISCONNECTS = Counter("valence_sse_disconnects_total", "Streams ended by the server, by reason.", ["reason"])
UPLOADS_ABANDONED = Counter("valence_uploads_abandoned_total", "Uploads that expired because nothing of them came for a day.")
UPLOAD_BYTES = Counter("valence_upload_bytes_total", "Bytes received through the API.")
REQUEST_DURATION = Histogram(
    "valence_request_duration_seconds", "Time the API took to answer.", ["route", "method", "status"], buckets=_SECONDS
)
ENDPOINT_INVOCATIONS = Counter(
    "valence_endpoint_invocations_total", "Invocations that the endpoint's stand-in has ended, by how.", ["outcome"]
)
ENDPOINT_BACKLOG = Gauge(
    "valence_endpoint_backlog_invocations", "Invocations that the endpoint's stand-in has accepted and nobody has begun."
)
WEBHOOK_ATTEMPTS = Counter("valence_webhook_attempts_total", "Tries at telling a webhook something, by how they ended.", ["outcome"])
WEBHOOK_ATTEMPT_DURATION = Histogram("valence_webhook_attempt_duration_seconds", "Time a webhook's receiver took.", buckets=_SECONDS)
WEBHOOK_IN_FLIGHT = Gauge("valence_webhook_in_flight", "Messages to webhooks that are being sent.")
WEBHOOK_OLDEST_DUE_AGE = Gauge("valence_webhook_oldest_due_age_seconds", "How long the message that is due for the longest has been due.")
WEBHOOKS_DISABLED = Counter("valence_webhooks_disabled_total", "Webhooks disabled for how their receivers answered, by reason.", ["reason"])
