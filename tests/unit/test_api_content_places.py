"""Who may send content while others do."""

from __future__ import annotations

from contextlib import ExitStack
from uuid import uuid4

import pytest

from api.content_places import CONTENTS_PER_ACCOUNT, ContentPlaces
from api.problems import Busy, TooManyContents


def test_an_account_that_sends_much_leaves_places_for_the_others() -> None:
    places, greedy = ContentPlaces(per_account=2, per_worker=3), uuid4()
    with places.taken(greedy), places.taken(greedy):
        with pytest.raises(TooManyContents) as refused, places.taken(greedy):
            pass
        assert refused.value.headers["Retry-After"]
        with places.taken(uuid4()), pytest.raises(Busy) as full, places.taken(uuid4()):
            pass
        assert full.value.headers["Retry-After"]


def test_a_place_is_free_again_however_its_content_ended() -> None:
    places, account = ContentPlaces(per_account=1, per_worker=1), uuid4()
    with pytest.raises(ConnectionError), places.taken(account):
        raise ConnectionError
    with places.taken(account):
        pass
    with places.taken(uuid4()):
        pass


def test_no_account_can_take_all_places_of_a_worker() -> None:
    places, account = ContentPlaces(), uuid4()
    with ExitStack() as sending:
        for _ in range(CONTENTS_PER_ACCOUNT):
            sending.enter_context(places.taken(account))
        with pytest.raises(TooManyContents):
            sending.enter_context(places.taken(account))
        with places.taken(uuid4()):
            pass
