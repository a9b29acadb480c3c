"""Whoever sends a wrong value is told what would have been right, in words and not as a pattern."""

from __future__ import annotations

from typing import Any

import pytest
from litestar.testing import RequestFactory

from api import bodies
from api.expectations import expected
from api.library import Emotions, Statuses
from api.problems import InvalidRequest
from schemas.accounts import NewKey, SignUp
from schemas.webhooks import NewWebhook


@pytest.mark.parametrize(("parameter", "value"), [(Emotions, "anger"), (Statuses, "analysing")])
def test_a_parameter_that_takes_a_few_values_names_them(parameter: Any, value: str) -> None:
    assert expected("Invalid enum value 'boredom'", parameter).startswith(f"expected one of {value}, ")


@pytest.mark.parametrize(
    ("struct", "body", "told"),
    [
        (NewKey, {"name": "x", "scopes": ["uploads:read", "all"]}, "scopes[1] is 'all': expected one of account:read, account:write, "),
        (NewWebhook, {"url": "https://x.example/", "events": ["nothing"]}, "events[0] is 'nothing': expected one of analysis.persisted, "),
        (SignUp, {"email": "ada", "password": "long enough"}, "email is 'ada': expected one such as ada@example.org. Mend it"),
        (SignUp, {"email": 5, "password": "long enough"}, "email is 5: Expected `str`, got `int`. Mend it"),
        (NewKey, {"name": "a\nb"}, "name is 'a\\nb': Expected `str` matching regex "),
    ],
)
async def test_a_body_with_a_wrong_value_is_answered_with_what_it_takes(struct: Any, body: dict[str, Any], told: str) -> None:
    request = RequestFactory().post("/v1", data=body)
    with pytest.raises(InvalidRequest) as refused:
        await bodies.read(request, struct)
    assert str(refused.value).startswith(told)
