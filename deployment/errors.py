"""What can go wrong between the repository and a running endpoint, each with what to do next."""

from __future__ import annotations

from runtime.errors import ValenceError


class DeploymentError(ValenceError):
    """Every error of packaging, deploying and training that is not a bug."""


class ArchiveRefused(DeploymentError):
    """The archive is damaged, is not one of ours, or would write outside its folder."""


class WeightsRefused(DeploymentError):
    """A file of weights that is missing, or that could run code when it is opened."""


class MissingPermission(DeploymentError):
    """AWS refuses a call; `action` is the IAM action that whoever calls does not have."""

    def __init__(self, action: str, detail: object) -> None:
        super().__init__(f"AWS refuses {action}: {detail}. The policies in deploy/iam/ say which role needs what")
        self.action = action


class CallRefused(DeploymentError):
    """AWS does not accept a call, for a reason that it names."""


class ResourceMissing(DeploymentError):
    """Something that must be there before an endpoint is deployed is not there."""


class EndpointBroken(DeploymentError):
    """The endpoint did not come into service; the message says why, in SageMaker's words."""


class EndpointSlow(DeploymentError):
    """The endpoint has not come into service in the time that was given."""


class PricesUnusable(DeploymentError):
    """The file of prices cannot be read, or has no price for the instance type."""
