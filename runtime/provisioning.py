"""What must be there before the first event: topics, bucket and queues, made explicitly and as often as you like."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from runtime import aws
from runtime.errors import DependencyUnavailable
from runtime.kafka import connection
from runtime.settings import Settings
from schemas.topics import TOPICS

#: How often SQS hands out a notice before it goes to the queue's own dead letters.
MAX_RECEIVES = 20
#: Job requests and endpoint answers are read once; the analysis is kept in PostgreSQL.
_EXPIRING = {"jobs/": 30, "inference/": 30}
#: An API that dies while a video comes whole leaves parts behind, which cost money and which nobody can see. Uploads in parts may go on for
#: as long as something comes every day; `producers.tidying` ends the others.
_ABANDONED_DAYS = 7


def create_topics(settings: Settings, replication: int = 1) -> list[str]:
    """Create the topics of the table that are not there yet, and return their names; the others keep their settings."""
    try:
        admin = KafkaAdminClient(**connection(settings.kafka_bootstrap_servers))
        try:
            present = {name if isinstance(name, str) else name["name"] for name in admin.list_topics()}
            missing = [topic for topic in TOPICS if topic.name not in present]
            wanted = [NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config) for topic in missing]
            if wanted:
                try:
                    admin.create_topics(wanted)
                except TopicAlreadyExistsError:
                    pass  # another process made it meanwhile: that is what was wanted
                admin.wait_for_topics([topic.name for topic in missing])
            return [topic.name for topic in missing]
        finally:
            admin.close()
    except KafkaError as error:
        raise DependencyUnavailable("kafka", error) from error


def create_storage(settings: Settings, allowed_origins: tuple[str, ...] = ()) -> None:
    """Create the bucket with its lifecycle rules, its cross-origin rules where origins are given, and the queue with its dead letters."""
    s3, bucket = aws.client("s3"), settings.storage.bucket
    with aws.availability("s3"):
        try:
            s3.create_bucket(Bucket=bucket)
        except ClientError as error:
            if aws.code_of(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": _lifecycle_rules()})
        if allowed_origins:
            s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [_cors_rule(allowed_origins)]})
    sqs = aws.client("sqs")
    with aws.availability("sqs"):
        dead = sqs.create_queue(QueueName=f"{settings.notices.queue_name}-dead-letters")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": str(MAX_RECEIVES)})
        queue = sqs.create_queue(QueueName=settings.notices.queue_name)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "30"})


def _lifecycle_rules() -> list[dict[str, Any]]:
    expiring: list[dict[str, Any]] = [
        {"ID": prefix.strip("/"), "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}}
        for prefix, days in _EXPIRING.items()
    ]
    abandoned = {
        "ID": "abandoned-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": "uploads/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _ABANDONED_DAYS},
    }
    return [*expiring, abandoned]


def _cors_rule(origins: tuple[str, ...]) -> dict[str, Any]:
    return {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": list(origins), "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"]}
