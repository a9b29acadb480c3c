"""Calls of AWS's control plane, and their errors in words: which permission is missing, or what AWS does not accept."""

from __future__ import annotations

import re
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError, ParamValidationError

from deployment.errors import CallRefused, MissingPermission
from runtime.aws import availability, code_of
from runtime.errors import SettingsError

_DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"})
#: How the services say that there is no such thing.
_MISSING = frozenset({"404", "NoSuchKey", "NotFound", "NotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
#: Actions of IAM that are not called like the operation.
_ACTIONS = {"s3:HeadObject": "s3:GetObject", "s3:HeadBucket": "s3:ListBucket"}
#: What AWS itself says of the permission.
_NOT_AUTHORIZED = re.compile(r"is not authorized to perform:? ([\w-]+:\w+)")


class Aws:
    """AWS by the standard variables and files of boto3, as whoever runs the command."""

    def __init__(self) -> None:
        self.session = boto3.session.Session()
        self._clients: dict[str, Any] = {}
        if not self.session.region_name:
            raise SettingsError("no region of AWS is known: set AWS_REGION, or `region` in AWS's configuration file")
        self.region: str = self.session.region_name

    @property
    def account(self) -> str:
        """The account that the credentials belong to."""
        return str(self.call("sts", "get_caller_identity")["Account"])

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one call. Raises MissingPermission, CallRefused, and DependencyUnavailable where AWS is away."""
        client = self._client(service)
        try:
            with availability("aws"):
                return dict(_permitted(client, operation, parameters))
        except ParamValidationError as error:
            raise CallRefused(f"{_action(client, operation)} cannot be called so: {error}") from error
        except ClientError as error:
            message = error.response.get("Error", {}).get("Message", "")
            raise CallRefused(f"{_action(client, operation)} is refused: {code_of(error)}: {message}") from error

    def find(self, service: str, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """The same for a call that reads; None where there is no such thing."""
        try:
            return self.call(service, operation, **parameters)
        except CallRefused as refused:
            error = refused.__cause__
            if isinstance(error, ClientError) and (code_of(error) in _MISSING or "Could not find" in str(error)):
                return None
            raise

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """All entries of a list that AWS gives in pages."""
        found: list[Any] = []
        answer = self.call(service, operation, **parameters)
        while True:
            found += answer.get(key, [])
            if not (token := answer.get("NextToken")):
                return found
            answer = self.call(service, operation, **parameters, NextToken=token)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "total_max_attempts": 5}, s3={"addressing_style": "path"})
            try:
                self._clients[service] = self.session.client(service, config=config)  # type: ignore[call-overload]  # the service is a variable
            except NoRegionError as error:
                raise SettingsError(f"no region of AWS is known: {error}") from error
        return self._clients[service]


def _permitted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    try:
        return getattr(client, operation)(**parameters)
    except ClientError as error:
        if code_of(error) not in _DENIED:
            raise
        message = error.response.get("Error", {}).get("Message", "")
        said = _NOT_AUTHORIZED.search(message)
        raise MissingPermission(said[1] if said else _action(client, operation), message) from error


def _action(client: Any, operation: str) -> str:
    """The action of IAM that an operation needs."""
    action = f"{client.meta.service_model.service_name}:{client.meta.method_to_api_mapping[operation]}"
    return _ACTIONS.get(action, action)
