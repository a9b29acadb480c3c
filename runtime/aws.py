"""botocore's clients, which are those of boto3, and what their errors mean: a server that is away, or a request that is wrong.

Errors go by their code, not by their HTTP status. The clients read AWS's standard variables, so that the same code speaks to AWS and to the
servers on a laptop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.loaders import create_loader
from botocore.session import Session

from runtime.errors import AccessDenied, DependencyUnavailable

T = TypeVar("T")

#: How long a server of quick answers may be silent before it counts as away. A stage's attempt has 15 s, of which it may wait 10 s before
#: it calls again: a server that hangs must be found out within the rest, or its fault would look like the record's.
QUICK_SECONDS = 4
#: The same for answers that take their time: SQS waits for a message for 10 s, S3 puts the parts of a large object together.
PATIENT_SECONDS = 20

#: S3 says AccessDenied of an object that is not there to whoever may not list the bucket: the log tells what would mend it.
_DENIED_HINT = "the role needs s3:GetObject and s3:ListBucket, without which S3 says this of missing objects too"
#: A permission is missing, for this request at least.
_DENIED_CODES = frozenset({"403", "AccessDenied", "AccessDeniedException"})  # the answer to a HEAD has no body, only its status
#: Codes that say nothing about the request: throttling, faults of the server, credentials.
_DEPENDENCY_CODES = frozenset(
    {
        "ConditionalRequestConflict",  # another request was at the same object in the same moment
        "ExpiredToken",
        "ExpiredTokenException",
        "InternalDependencyException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "KMS.ThrottlingException",
        "OptInRequired",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "UnrecognizedClientException",
    }
)

#: What AWS says of its services is read from the disk once a process, and not once a client.
_LOADER = create_loader()


def client(service: str, read_seconds: int = PATIENT_SECONDS) -> Any:
    """A client of a service, which gives up on an answer after `read_seconds` without a byte of it; thread-safe."""
    config = Config(
        connect_timeout=3,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": 1},  # waiting is our own affair: it has to be seen in /readyz
        max_pool_connections=64,
        # A body carries a CRC-32 that S3 checks; over TLS boto3 signs no body either, and elsewhere signing would hash it twice more.
        s3={"addressing_style": "path", "payload_signing_enabled": False},
        user_agent="valence",  # botocore's own is put together anew for each call
    )
    return _client(service, config)


def signing_client(service: str, endpoint: str = "") -> Any:
    """A client that only signs addresses, for programs that do not know our credentials; at `endpoint` where one is given."""
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        user_agent="valence",  # botocore's own is put together anew for each call
        request_checksum_calculation="when_required",  # a checksum in the address would bind the bytes before they are known
    )
    return _client(service, config, endpoint)


def _client(service: str, config: Config, endpoint: str = "") -> Any:
    session = Session()
    session.register_component("data_loader", _LOADER)
    return session.create_client(service, endpoint_url=endpoint or None, config=config)


def code_of(error: ClientError) -> str:
    """The error's code, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def availability(dependency: str) -> Iterator[None]:
    """Turn botocore's errors that are the server's fault into DependencyUnavailable; a ClientError about the request passes."""
    try:
        yield
    except ParamValidationError:
        raise
    except BotoCoreError as error:
        raise DependencyUnavailable(dependency, error) from error
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code_of(error) in _DENIED_CODES:
            hint = f": {_DENIED_HINT}" if dependency == "s3" else ""
            raise AccessDenied(dependency, f"{error}{hint}") from error
        if code_of(error) in _DEPENDENCY_CODES or status >= 500:
            raise DependencyUnavailable(dependency, error) from error
        raise


class Threads:
    """Runs a blocking client's calls in threads of its own, so that one slow server does not use up everybody's."""

    def __init__(self, name: str, most: int = 32) -> None:
        self._executor = ThreadPoolExecutor(most, thread_name_prefix=name)

    async def run(self, call: Callable[[], T]) -> T:
        """The result of `call`, made in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)
