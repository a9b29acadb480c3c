"""Where answers come from: the model's container, or at once, for measuring everything around it."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from typing import NamedTuple, Protocol

import httpx
import msgspec

from local.sagemaker.requests import Invocation
from runtime.errors import DependencyUnavailable, ObjectMissing, PermanentError
from runtime.storage import ObjectStorage, locate
from schemas.analysis import EMOTIONS, SENTIMENTS, Analysis, EmotionScores, Modality, Scores, SentimentScores, Utterance, Word

#: SageMaker's limit for a payload in S3.
PAYLOAD_BYTES = 1024**3
#: How many times a container may die over one request before the request is to blame.
DEATHS = 5
_REASON_CHARACTERS = 1_024


class Answer(NamedTuple):
    """What goes to S3, with its content type; `failure` is the reason where it goes to the failure location."""

    body: bytes
    content_type: str
    failure: str | None = None


class Answers(Protocol):
    """Whatever can answer an invocation."""

    async def answer(self, invocation: Invocation) -> Answer:
        """The answer, or the error as an answer; DependencyUnavailable where it must be tried again later."""


def broken(reason: str) -> Answer:
    """The answer to an invocation that never got one from the container."""
    return Answer(msgspec.json.encode({"message": reason}), "application/json", reason)


def container_client(url: str) -> httpx.AsyncClient:
    """A client of the container at `url`; how long an answer may take is the invocation's affair."""
    return httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(None, connect=3), trust_env=False)


class ModelContainer:
    """Answers from a container that keeps to SageMaker's contract, on the payload from S3 or from the request."""

    def __init__(self, client: httpx.AsyncClient, storage: ObjectStorage) -> None:
        self._client = client
        self._storage = storage
        self._deaths: Counter[str] = Counter()

    async def answer(self, invocation: Invocation) -> Answer:
        try:
            async with asyncio.timeout(invocation.timeout_seconds):
                payload = await self._payload(invocation)
                response = await self._post(invocation, payload)
        except TimeoutError:
            return broken(f"The model did not answer within InvocationTimeoutSeconds, {invocation.timeout_seconds} seconds.")
        except (ObjectMissing, PermanentError) as error:
            return broken(f"The payload at InputLocation cannot be read: {error}")
        except httpx.ConnectError as error:
            raise DependencyUnavailable("model", error) from error
        except httpx.TransportError as error:
            return self._died(invocation, error)
        content_type = response.headers.get("content-type", "application/octet-stream")
        if response.is_success:
            return Answer(response.content, content_type)
        if response.status_code == 503 and not await self._in_service():
            raise DependencyUnavailable("model", "its /ping does not answer 200")
        side = "client" if response.is_client_error else "server"
        reason = f'Received {side} error ({response.status_code}) from model with message "{response.text[:_REASON_CHARACTERS]}".'
        return Answer(response.content, content_type, reason)

    async def _payload(self, invocation: Invocation) -> bytes:
        location = invocation.input_location
        if location is None:
            return invocation.body or b""
        if location.startswith("s3://"):
            try:
                bucket, key = locate(location)
            except ValueError as error:
                raise ObjectMissing(str(error)) from error
            return await self._storage.get(bucket, key, PAYLOAD_BYTES)
        response = await self._client.get(location)
        if not response.is_success:
            raise ObjectMissing(f"{location} answers {response.status_code}")
        return response.content

    async def _post(self, invocation: Invocation, payload: bytes) -> httpx.Response:
        headers = {
            "content-type": invocation.content_type,
            "accept": invocation.accept,
            "x-amzn-sagemaker-custom-attributes": invocation.custom_attributes,
            "x-amzn-sagemaker-inference-id": invocation.inference_id,
        }
        given = {name: text for name, text in headers.items() if text is not None}
        return await self._client.post("/invocations", content=payload, headers=given)

    async def _in_service(self) -> bool:
        try:
            return (await self._client.get("/ping", timeout=2)).status_code == 200
        except httpx.TransportError:
            return False

    def _died(self, invocation: Invocation, error: httpx.TransportError) -> Answer:
        self._deaths[invocation.id] += 1
        if self._deaths[invocation.id] < DEATHS:
            raise DependencyUnavailable("model", f"it broke the connection: {error!r}") from error
        return broken(f"The model's container died {DEATHS} times over this request: {error!r}")


class InstantAnswers:
    """A small valid analysis at once, without looking at the payload; its text names the inference id, so that no two are alike."""

    async def answer(self, invocation: Invocation) -> Answer:
        return Answer(msgspec.json.encode(instant_analysis(invocation.inference_id)), "application/json")


def instant_analysis(inference_id: str) -> Analysis:
    """An analysis that no model made: one utterance of two seconds, with scores drawn from the id."""
    digest = hashlib.sha256(inference_id.encode()).digest()
    emotions, sentiments = _probabilities(digest[:7]), _probabilities(digest[7:10])
    text = f"Answer to {inference_id}"
    spoken = text.split()
    step = 2.0 / len(spoken)
    return Analysis(
        profile="instant",
        media_seconds=2.0,
        compute_seconds=0.0,
        models=(),
        modalities=(Modality.TEXT,),
        words_from="instant",
        language="en",
        utterances=(
            Utterance(
                start=0.0,
                end=2.0,
                text=text,
                words=tuple(Word(text=word, start=n * step, end=(n + 1) * step) for n, word in enumerate(spoken)),
                scores=Scores(
                    emotions=EmotionScores(**dict(zip(EMOTIONS, emotions, strict=True))),
                    sentiments=SentimentScores(**dict(zip(SENTIMENTS, sentiments, strict=True))),
                ),
            ),
        ),
    )


def _probabilities(weights: bytes) -> list[float]:
    total = sum(weights) + len(weights)
    return [(weight + 1) / total for weight in weights]
