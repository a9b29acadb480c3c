"""Faults on demand: the stand-in misbehaves as a real endpoint might, for tests, the soak and the curious."""

from __future__ import annotations

import random
from enum import StrEnum

import msgspec

from local.sagemaker.requests import Refused, invalid, missing_endpoint


class Fault(StrEnum):
    """What can go wrong."""

    #: InvokeEndpointAsync itself
    INVALID = "invalid"
    MISSING_ENDPOINT = "missing_endpoint"
    THROTTLED = "throttled"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    #: accepted and worked on, but the caller's connection breaks before it learns of that
    LOST_REPLY = "lost_reply"
    #: the answer
    ERROR = "error"
    GARBAGE = "garbage"
    NEVER = "never"
    #: the notice
    NO_NOTICE = "no_notice"
    NOTICE_TWICE = "notice_twice"


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault for the inference ids that begin with `prefix`, with the probability `ratio`, at most `times` times."""

    fault: Fault
    prefix: str = ""
    ratio: float = 1.0
    times: int | None = None


class Faults:
    """The rules in force."""

    def __init__(self, rules: list[FaultRule]) -> None:
        self.rules: list[FaultRule] = []
        self._left: list[float] = []
        self.replace(rules)

    def replace(self, rules: list[FaultRule]) -> None:
        """Put these rules in place of all others."""
        self.rules = rules
        self._left = [float("inf") if rule.times is None else rule.times for rule in rules]

    def strikes(self, inference_id: str, *faults: Fault) -> Fault | None:
        """The first of the rules for these faults that strikes now, if any does; that uses up one of its times."""
        for index, rule in enumerate(self.rules):
            applies = rule.fault in faults and inference_id.startswith(rule.prefix) and self._left[index] > 0
            if applies and random.random() < rule.ratio:
                self._left[index] -= 1
                return rule.fault
        return None

    def refuse(self, inference_id: str, endpoint_name: str) -> None:
        """Raise Refused if a rule says that this call is refused."""
        match self.strikes(inference_id, Fault.INVALID, Fault.MISSING_ENDPOINT, Fault.THROTTLED, Fault.INTERNAL, Fault.UNAVAILABLE):
            case Fault.INVALID:
                raise invalid("The request was refused by a fault rule of the stand-in")
            case Fault.MISSING_ENDPOINT:
                raise missing_endpoint(endpoint_name)
            case Fault.THROTTLED:
                raise Refused("ThrottlingException", "Rate exceeded")
            case Fault.INTERNAL:
                raise Refused("InternalFailure", "An internal failure occurred", 500)
            case Fault.UNAVAILABLE:
                raise Refused("ServiceUnavailable", "The service is currently unavailable", 503)
