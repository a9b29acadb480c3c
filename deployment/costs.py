"""What an analysis costs on an instance: measured seconds, and a table of prices that somebody looked up and dated."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from deployment.errors import PricesUnusable

Price = Annotated[float, msgspec.Meta(gt=0)]


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices of instances for hosting, an hour each, in one region: where they were found, and when."""

    source: Annotated[str, msgspec.Meta(min_length=1)]
    date: datetime.date
    region: str
    currency: str
    per_hour: dict[str, Price]


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """Measured analyses: how many, and their seconds of work and of video, on average. `slowest_seconds` is the 95th percentile."""

    analyses: int
    compute_seconds: float
    slowest_seconds: float
    media_seconds: float


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What the instance costs for an analysis and for an hour of video, in the prices' currency.

    `busy` is with as many videos at once as are allowed, all the time, `alone` with one at a time; the truth lies between them, and idle
    time comes on top.
    """

    busy: float
    alone: float
    busy_hour_of_video: float | None
    alone_hour_of_video: float | None


#: What the figures leave out, in the order of its weight.
NOT_INCLUDED = (
    "instances that wait: from the last video to scaling in, at least ten minutes each time, and while one starts",
    "the disk of each instance, and S3: storage, requests and transfer",
    "SNS, SQS and CloudWatch",
    "Kafka, PostgreSQL and the processes of Valence",
    "discounts, savings plans and tax",
)


def read_prices(file: Path) -> Prices:
    """The table of a JSON file; PricesUnusable says what is wrong with it."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Prices)
    except (OSError, msgspec.DecodeError) as error:
        raise PricesUnusable(f"the prices {file} cannot be read: {error}; docs/sagemaker.md shows such a file") from error


def costs(prices: Prices, instance_type: str, durations: Durations, concurrent_videos: int) -> Costs:
    """Seconds of work by the price of a second; PricesUnusable where the table lacks the instance type."""
    if instance_type not in prices.per_hour:
        known = ", ".join(sorted(prices.per_hour)) or "none at all"
        raise PricesUnusable(f"the table of {prices.date} has no price for {instance_type!r}, only for {known}")
    alone = durations.compute_seconds * prices.per_hour[instance_type] / 3_600
    hours = durations.media_seconds / 3_600
    return Costs(
        busy=alone / concurrent_videos,
        alone=alone,
        busy_hour_of_video=alone / concurrent_videos / hours if hours else None,
        alone_hour_of_video=alone / hours if hours else None,
    )
