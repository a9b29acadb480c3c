"""Invoke: hand the video to the endpoint, once where it can be and twice where it must.

InvokeEndpointAsync does not deduplicate. So the call is recorded before it is made, and its locations after; a redelivered event whose call
is recorded calls nothing. Only a process that dies between the two leaves it open whether the job was accepted: then the event waits some
seconds for a notice and calls again under the same id, which is counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from runtime import erasure, metrics, telemetry
from runtime.database import Database
from runtime.errors import DependencyUnavailable, InvalidInvocation
from runtime.inference import InferenceEndpoint, InvocationUncertain
from runtime.settings import Settings
from runtime.storage import ObjectStorage
from schemas.events import Event, InferenceFailed, InferenceRequested, UploadValidated
from schemas.failures import Failure, FailureCode
from schemas.jobs import InferenceJob, inference_id, job_key

log = logging.getLogger(__name__)

#: How often a redelivered event looks whether the first call has come to something.
LOOK_SECONDS = 0.25


class _Withdrawn(Exception):
    """The attempt was cancelled or erased, or has come to an end in another way."""


class Invoke:
    """The handler of the second stage: `upload.validated` in, `inference.requested` or `inference.failed` out."""

    def __init__(self, settings: Settings, database: Database, storage: ObjectStorage, endpoint: InferenceEndpoint) -> None:
        self._settings = settings
        self._database = database
        self._storage = storage
        self._endpoint = endpoint

    async def handle(self, event: UploadValidated) -> Sequence[Event]:
        """See to it that the endpoint has the job."""
        job_id = inference_id(event.upload_id, event.attempt)
        try:
            location = await self._put_job(event)
            if await self._must_call(event):
                await self._call(event, location, job_id)
        except InvalidInvocation as error:
            failure = Failure(code=FailureCode.INVALID_INVOCATION, message=str(error))
            return [InferenceFailed(upload_id=event.upload_id, attempt=event.attempt, inference_id=job_id, failure=failure)]
        except _Withdrawn:
            log.info("the upload is not in work any more: nothing to invoke")
            await self._storage.delete(self._settings.storage.bucket, job_key(event.upload_id, event.attempt))
            return []
        return [InferenceRequested(upload_id=event.upload_id, account_id=event.account_id, attempt=event.attempt, inference_id=job_id)]

    async def _put_job(self, event: UploadValidated) -> str:
        """Put the job into S3, before the call is recorded: so that nothing but the call itself is between the record and its answer."""
        job = InferenceJob(
            upload_id=event.upload_id,
            attempt=event.attempt,
            bucket=event.source.bucket,
            key=event.source.key,
            etag=event.source.etag,
            bytes=event.source.bytes,
            options=event.options,
        )
        bucket, key = self._settings.storage.bucket, job_key(event.upload_id, event.attempt)
        await self._storage.put(bucket, key, msgspec.json.encode(job), "application/json")
        return f"s3://{bucket}/{key}"

    async def _must_call(self, event: UploadValidated) -> bool:
        """Record the call that is about to be made; False where one was made before and its answer is known. Raises _Withdrawn."""
        inference = self._settings.inference
        key = {"upload_id": event.upload_id, "attempt": event.attempt}
        if await self._database.rows(
            "begin_invocation", **key, check_after=inference.check_after_seconds, traceparent=telemetry.traceparent()
        ):
            return True
        while True:
            found = await self._database.rows("invocation", **key)
            if not found:
                raise _Withdrawn
            if found[0]["state"] is None:  # the call was refused without being accepted: begin anew
                return await self._must_call(event)
            if found[0]["state"] != "calling":
                return False
            if await self._database.rows("repeat_invocation", **key, older_than=inference.recall_after_seconds):
                log.warning("calling again: whether the first call was accepted is not known")
                metrics.INVOCATIONS_REPEATED.inc()
                return True
            await asyncio.sleep(LOOK_SECONDS)

    async def _call(self, event: UploadValidated, location: str, job_id: str) -> None:
        try:
            locations = await self._endpoint.invoke(location, job_id)
        except InvocationUncertain:
            metrics.INVOCATIONS.labels("uncertain").inc()
            raise
        except (DependencyUnavailable, InvalidInvocation):
            metrics.INVOCATIONS.labels("refused").inc()
            # Nothing was accepted: the next try need not wait for a notice, and a redelivered event is refused again, not taken for called.
            await self._database.rows("forget_invocation", upload_id=event.upload_id, attempt=event.attempt)
            raise
        metrics.INVOCATIONS.labels("accepted").inc()
        recorded = await self._database.rows(
            "record_invocation", upload_id=event.upload_id, attempt=event.attempt, output=locations.output, failure=locations.failure
        )
        if not recorded:  # erased since the call began: what the endpoint writes is erased too
            async with self._database.transaction() as connection:
                await erasure.erase_later(connection, self._settings.inference, event.upload_id, locations)
            raise _Withdrawn
