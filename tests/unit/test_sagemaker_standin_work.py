"""What becomes of an invocation that the stand-in has accepted: its files, its notice, its end after a restart."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from local.sagemaker.answers import Answer, broken
from local.sagemaker.faults import Fault, FaultRule
from local.sagemaker.requests import Invocation
from runtime.errors import DependencyUnavailable
from runtime.storage import locate
from runtime.testing import MemoryQueue, MemoryStorage, StoredObject
from schemas.analysis import Analysis
from tests.sagemaker_standin import INPUT, Clock, Scripted, StandIn, running_standin


async def text_answer(invocation: Invocation) -> Answer:
    return Answer(b"felt", "text/plain")


async def no_answer(invocation: Invocation) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


def at(standin: StandIn, location: str) -> StoredObject:
    return standin.storage.objects[locate(location)]


async def test_an_answer_is_stored_verbatim_with_its_content_type(tmp_path: Path) -> None:
    async with running_standin(tmp_path, answers=Scripted(text_answer)) as standin:
        accepted = await standin.invoke()
        await standin.notices(1)
        assert at(standin, accepted["OutputLocation"])[:2] == (b"felt", "text/plain")
        assert locate(accepted["FailureLocation"]) not in standin.storage.objects


async def test_a_completed_notice_has_sagemakers_form(tmp_path: Path) -> None:
    async with running_standin(tmp_path, answers=Scripted(text_answer)) as standin:
        accepted = await standin.invoke(InferenceId="mine", ContentType="application/json", Accept="text/plain", CustomAttributes="a=1")
        (notice,) = await standin.notices(1)
    assert datetime.fromisoformat(notice.pop("receivedTime")) <= datetime.fromisoformat(notice.pop("eventTime"))
    assert notice == {
        "awsRegion": "us-east-1",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "text/plain",
            "contentType": "application/json",
            "customAttributes": "a=1",
            "endpointName": "valence",
            "inputLocation": INPUT,
        },
        "responseParameters": {"contentType": "text/plain", "outputLocation": accepted["OutputLocation"]},
        "inferenceId": "mine",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


async def test_what_was_not_asked_for_is_not_in_the_notice(tmp_path: Path) -> None:
    async with running_standin(tmp_path) as standin:
        await standin.invoke(Body=b"{}")
        (notice,) = await standin.notices(1)
    assert notice["requestParameters"] == {"endpointName": "valence"}
    assert "failureReason" not in notice


@pytest.mark.parametrize(("fault", "topic"), [(Fault.ERROR, "valence-error"), (None, "valence-success")])
async def test_a_notice_comes_in_the_envelope_of_sns(tmp_path: Path, fault: Fault | None, topic: str) -> None:
    async with running_standin(tmp_path, faults=[FaultRule(fault=fault)] if fault else []) as standin:
        await standin.invoke()
        (message,) = await standin.queue.receive(20)
    envelope = json.loads(message.body)
    assert {"Type", "MessageId", "TopicArn", "Message", "Timestamp"} == set(envelope)
    assert envelope["Type"] == "Notification"
    assert envelope["TopicArn"] == f"arn:aws:sns:us-east-1:000000000000:{topic}"
    assert json.loads(envelope["Message"])["eventName"] == "InferenceResult"


async def test_an_error_goes_to_the_failure_location_and_its_reason_into_the_notice(tmp_path: Path) -> None:
    async def error(invocation: Invocation) -> Answer:
        return Answer(b'{"code": "not_media"}', "application/json", "Received client error (400) from model")

    async with running_standin(tmp_path, answers=Scripted(error)) as standin:
        accepted = await standin.invoke()
        (notice,) = await standin.notices(1)
        assert at(standin, accepted["FailureLocation"]).body == b'{"code": "not_media"}'
        assert locate(accepted["OutputLocation"]) not in standin.storage.objects
    assert notice["invocationStatus"] == "Failed"
    assert notice["failureReason"] == "Received client error (400) from model"
    assert notice["responseParameters"] == {"contentType": "application/json", "failureLocation": accepted["FailureLocation"]}


async def test_an_instant_answer_is_an_analysis_of_its_own_invocation(tmp_path: Path) -> None:
    async with running_standin(tmp_path) as standin:
        accepted = [await standin.invoke(InferenceId=name) for name in ("one", "two")]
        await standin.notices(2)
        found = [msgspec.json.decode(at(standin, answer["OutputLocation"]).body, type=Analysis) for answer in accepted]
    assert [analysis.utterances[0].text for analysis in found] == ["Answer to one", "Answer to two"]
    for analysis in found:
        scores = analysis.utterances[0].scores
        assert sum(msgspec.structs.astuple(scores.emotions)) == pytest.approx(1)
        assert sum(msgspec.structs.astuple(scores.sentiments)) == pytest.approx(1)


async def test_an_invocation_that_nobody_began_in_time_expires(tmp_path: Path) -> None:
    clock, answers = Clock(), Scripted(no_answer)
    async with running_standin(tmp_path, answers=answers, clock=clock) as standin:
        for name in ("first", "second", "late"):  # two workers: the third has to wait
            accepted = await standin.invoke(InferenceId=name, RequestTTLSeconds=60)
        clock.ahead = timedelta(seconds=59)
        await standin.workers.expire()
        assert standin.queue.bodies == []
        clock.ahead = timedelta(seconds=61)
        await standin.workers.expire()
        (notice,) = await standin.notices(1)
        assert standin.storage.objects == {}
    assert (notice["inferenceId"], notice["invocationStatus"]) == ("late", "Expired")
    assert "responseParameters" not in notice
    assert accepted["InferenceId"] == "late"
    assert sorted(invocation.inference_id for invocation in answers.seen) == ["first", "second"]


async def test_what_was_accepted_before_a_restart_is_answered_after_it(tmp_path: Path) -> None:
    storage, queue = MemoryStorage(), MemoryQueue()
    async with running_standin(tmp_path, answers=Scripted(no_answer), storage=storage, queue=queue) as standin:
        accepted = [await standin.invoke(InferenceId=name) for name in ("a", "b", "c")]
    assert queue.bodies == []
    async with running_standin(tmp_path, answers=Scripted(text_answer), storage=storage, queue=queue) as standin:
        notices = await standin.notices(3)
        assert (await standin.get("/invocations")).json() == {"a": 1, "b": 1, "c": 1}
    assert sorted(notice["inferenceId"] for notice in notices) == ["a", "b", "c"]
    assert set(storage.objects) == {locate(answer["OutputLocation"]) for answer in accepted}


async def test_a_notice_that_could_not_be_sent_is_sent_after_a_restart_without_a_second_answer(tmp_path: Path) -> None:
    storage, queue, answers = MemoryStorage(), MemoryQueue(), Scripted(text_answer)
    queue.away = True
    async with running_standin(tmp_path, answers=answers, storage=storage, queue=queue) as standin:
        await standin.invoke(InferenceId="mine")
        while not (await standin.backlog.unfinished()).notices:
            pass
    queue.away = False
    async with running_standin(tmp_path, answers=answers, storage=storage, queue=queue) as standin:
        (notice,) = await standin.notices(1)
    assert notice["inferenceId"] == "mine"
    assert len(answers.seen) == 1


async def test_what_is_done_is_forgotten(tmp_path: Path) -> None:
    async with running_standin(tmp_path) as standin:
        await standin.invoke()
        await standin.notices(1)
        while any(await standin.backlog.unfinished()):
            pass


async def test_s3_may_be_away_and_come_back(tmp_path: Path) -> None:
    storage = MemoryStorage()
    storage.away = True
    async with running_standin(tmp_path, storage=storage) as standin:
        accepted = await standin.invoke()
        while (obstacles := (await standin.get("/readyz")).json()["obstacles"]) != ["starting", "waiting for s3"]:
            assert obstacles == ["starting"]
        storage.away = False
        await standin.notices(1)
        assert at(standin, accepted["OutputLocation"])


async def test_an_answer_that_must_be_tried_later_is_tried_again(tmp_path: Path) -> None:
    async def third_time(invocation: Invocation) -> Answer:
        if len(answers.seen) < 3:
            raise DependencyUnavailable("model", "it is still loading")
        return await text_answer(invocation)

    answers = Scripted(third_time)
    async with running_standin(tmp_path, answers=answers) as standin:
        await standin.invoke(InferenceId="mine")
        (notice,) = await standin.notices(1)
    assert notice["invocationStatus"] == "Completed"
    assert [invocation.inference_id for invocation in answers.seen] == ["mine"] * 3


REFUSALS = [
    (Fault.INVALID, "ValidationError", 400),
    (Fault.MISSING_ENDPOINT, "ValidationError", 400),
    (Fault.THROTTLED, "ThrottlingException", 400),
    (Fault.INTERNAL, "InternalFailure", 500),
    (Fault.UNAVAILABLE, "ServiceUnavailable", 503),
]


@pytest.mark.parametrize(("fault", "code", "status"), REFUSALS)
async def test_a_fault_refuses_as_often_as_it_says_and_only_its_prefix(tmp_path: Path, fault: Fault, code: str, status: int) -> None:
    async with running_standin(tmp_path, faults=[FaultRule(fault=fault, prefix="bad", times=1)]) as standin:
        await standin.invoke(InferenceId="good")
        with pytest.raises(ClientError) as caught:
            await standin.invoke(InferenceId="bad")
        response = caught.value.response
        assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
        await standin.invoke(InferenceId="bad")
        assert (await standin.get("/invocations")).json() == {"good": 1, "bad": 1}


async def test_a_lost_reply_leaves_an_invocation_that_the_caller_knows_nothing_of(tmp_path: Path) -> None:
    async with running_standin(tmp_path, faults=[FaultRule(fault=Fault.LOST_REPLY)]) as standin:
        with pytest.raises(HTTPClientError):
            await standin.invoke(InferenceId="mine")
        (notice,) = await standin.notices(1)
    assert notice["inferenceId"] == "mine"


async def test_garbage_is_completed_and_is_no_analysis(tmp_path: Path) -> None:
    async with running_standin(tmp_path, faults=[FaultRule(fault=Fault.GARBAGE)]) as standin:
        accepted = await standin.invoke()
        (notice,) = await standin.notices(1)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(at(standin, accepted["OutputLocation"]).body, type=Analysis)
    assert notice["invocationStatus"] == "Completed"


@pytest.mark.parametrize(("fault", "notices", "files"), [(Fault.NEVER, 0, 0), (Fault.NO_NOTICE, 0, 1), (Fault.NOTICE_TWICE, 2, 1)])
async def test_notices_and_answers_can_be_withheld_or_repeated(tmp_path: Path, fault: Fault, notices: int, files: int) -> None:
    async with running_standin(tmp_path, faults=[FaultRule(fault=fault, prefix="bad")]) as standin:
        await standin.invoke(InferenceId="bad")
        while any(await standin.backlog.unfinished()):
            pass
        bad = [body for body in standin.queue.bodies if json.loads(json.loads(body)["Message"])["inferenceId"] == "bad"]
        assert (len(bad), len(standin.storage.objects)) == (notices, files)


async def test_faults_can_be_set_while_it_runs_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    async with running_standin(tmp_path) as standin:
        set_ = await standin.post("/faults", b'[{"fault": "throttled", "prefix": "x"}]')
        assert (set_.status_code, set_.json()) == (200, [{"fault": "throttled", "prefix": "x", "ratio": 1.0, "times": None}])
        with pytest.raises(ClientError):
            await standin.invoke(InferenceId="x1")
        wrong = await standin.post("/faults", b'[{"fault": "sulking"}]')
        assert wrong.status_code == 400
        assert "sulking" in wrong.json()["Message"]


def test_a_broken_answer_says_why() -> None:
    assert broken("because").failure == "because"
    assert json.loads(broken("because").body) == {"message": "because"}
