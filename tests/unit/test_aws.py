"""What boto3's errors mean: a server that is away, or a request that is wrong."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from runtime import aws
from runtime.errors import AccessDenied, DependencyUnavailable


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("403", 403), ("SlowDown", 503), ("Unheard", 500)])
def test_permissions_throttling_and_faults_are_the_servers_affair_by_head_too(code: str, status: int) -> None:
    answer = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(DependencyUnavailable), aws.availability("s3"):
        raise ClientError(answer, "HeadObject")  # type: ignore[arg-type]  # the rest of the answer does not matter


def test_an_error_about_the_request_passes() -> None:
    with pytest.raises(ClientError), aws.availability("s3"):
        raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")


@pytest.mark.parametrize("code", ["AccessDenied", "403"])
def test_what_is_waited_for_since_it_is_denied_says_which_permissions_would_mend_it(code: str) -> None:
    with pytest.raises(AccessDenied, match="s3:ListBucket"), aws.availability("s3"):
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")
