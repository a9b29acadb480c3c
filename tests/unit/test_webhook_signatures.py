"""Messages to webhooks are signed as the Standard Webhooks specification lays it down."""

from __future__ import annotations

import pytest

from schemas.webhook_signatures import as_bytes, as_text, is_signed, signatures

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')


def test_the_signature_is_the_one_that_the_specifications_own_libraries_make() -> None:
    assert signatures([as_bytes(SECRET)], *SIGNED) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_changed_both_sign_and_either_is_enough() -> None:
    header = signatures([b"new" * 8, b"old" * 8], *SIGNED)
    assert is_signed(b"new" * 8, *SIGNED, header)
    assert is_signed(b"old" * 8, *SIGNED, header)
    assert not is_signed(b"other" * 8, *SIGNED, header)


@pytest.mark.parametrize("changed", [("other", *SIGNED[1:]), (SIGNED[0], 1_614_265_331, SIGNED[2]), (*SIGNED[:2], b"{}")])
def test_the_id_the_time_and_the_body_are_all_signed(changed: tuple[str, int, bytes]) -> None:
    assert not is_signed(as_bytes(SECRET), *changed, signatures([as_bytes(SECRET)], *SIGNED))


def test_a_secret_is_read_back_as_it_is_shown() -> None:
    assert as_bytes(as_text(b"\x00\xff" * 16)) == b"\x00\xff" * 16


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_MfKQ9", SECRET[:-4]])
def test_a_secret_that_is_empty_or_cut_off_checks_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="copy all of it"):
        as_bytes(text)
