"""How the endpoint's notices come to Valence: two topics of SNS, both subscribed to one queue of SQS that lets them in."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from deployment.calls import Aws
from deployment.errors import ResourceMissing
from deployment.plan import Change
from deployment.wanted import Place


def wanted_changes(aws: Aws, place: Place) -> list[Change]:
    """Topics, subscriptions and the queue's policy, where they are missing. ResourceMissing where there is no queue."""
    changes = []
    for kind, arn in place.topics.items():
        name = f"{place.endpoint}-{kind}"
        there = aws.find("sns", "get_topic_attributes", TopicArn=arn) is not None
        if not there:
            changes.append(Change("create", f"topic {name}", "", partial(aws.call, "sns", "create_topic", Name=name)))
        if not there or not _subscriptions(aws, place, arn):
            subscribe = partial(aws.call, "sns", "subscribe", TopicArn=arn, Protocol="sqs", Endpoint=place.queue_arn)
            changes.append(Change("create", f"subscription of {place.queue}", f"to {name}", subscribe))
    return [*_policy_changes(aws, place, [_statement(place)]), *changes]


def unwanted_changes(aws: Aws, place: Place) -> list[Change]:
    """The same in reverse: subscriptions, topics and our statement of the queue's policy, where they are there."""
    changes = []
    for kind, arn in place.topics.items():
        name = f"{place.endpoint}-{kind}"
        if aws.find("sns", "get_topic_attributes", TopicArn=arn) is None:
            continue
        for subscription in _subscriptions(aws, place, arn):
            unsubscribe = partial(aws.call, "sns", "unsubscribe", SubscriptionArn=subscription)
            changes.append(Change("delete", f"subscription of {place.queue}", f"to {name}", unsubscribe))
        changes.append(Change("delete", f"topic {name}", "", partial(aws.call, "sns", "delete_topic", TopicArn=arn)))
    if _queue_url(aws, place) is None:
        return changes
    return [*changes, *_policy_changes(aws, place, [])]


def _subscriptions(aws: Aws, place: Place, topic: str) -> list[str]:
    """Our queue's subscriptions to a topic, which others may be subscribed to as well."""
    all_of_them = aws.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic)
    return [one["SubscriptionArn"] for one in all_of_them if (one["Protocol"], one["Endpoint"]) == ("sqs", place.queue_arn)]


def _queue_url(aws: Aws, place: Place) -> str | None:
    found = aws.find("sqs", "get_queue_url", QueueName=place.queue)
    return str(found["QueueUrl"]) if found else None


def _policy_changes(aws: Aws, place: Place, ours: list[dict[str, Any]]) -> list[Change]:
    """The queue's policy with exactly `ours` as the statement of this endpoint; what others have put there stays."""
    url = _queue_url(aws, place)
    if url is None:
        raise ResourceMissing(
            f"there is no queue {place.queue}: `valence storage create` makes it, VALENCE_NOTICES_QUEUE_NAME names another"
        )
    attributes = aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    text = attributes.get("Policy")
    policy: dict[str, Any] = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
    others = [statement for statement in policy["Statement"] if statement.get("Sid") != _sid(place)]
    if [statement for statement in policy["Statement"] if statement.get("Sid") == _sid(place)] == ours:
        return []
    statements = [*others, *ours]
    changed = json.dumps({**policy, "Statement": statements}) if statements else ""
    detail = "let the topics of the endpoint send" if ours else "no topic of the endpoint may send any more"
    write = partial(aws.call, "sqs", "set_queue_attributes", QueueUrl=url, Attributes={"Policy": changed})
    return [Change("change", f"policy of the queue {place.queue}", detail, write)]


def _statement(place: Place) -> dict[str, Any]:
    return {
        "Sid": _sid(place),
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": place.queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": list(place.topics.values())}},
    }


def _sid(place: Place) -> str:
    return f"ValenceNotices{hashlib.sha256(place.endpoint.encode()).hexdigest()[:12]}"
