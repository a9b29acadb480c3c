"""What is stored of a password, and what it costs to compare one."""

from __future__ import annotations

import argon2
import pytest

from api.passwords import Passwords

PASSWORD = "correct horse battery"


async def test_a_password_is_kept_as_argon2id_of_two_passes_over_19_mib_on_one_lane_with_a_salt_of_its_own() -> None:
    passwords = Passwords()
    first, second = [await passwords.hash(PASSWORD) for _ in range(2)]
    kept = argon2.extract_parameters(first)
    assert kept.type is argon2.low_level.Type.ID
    assert (kept.version, kept.time_cost, kept.memory_cost, kept.parallelism) == (19, 2, 19 * 1024, 1)
    assert (kept.salt_len, kept.hash_len) == (16, 32)
    assert first.split("$")[4] != second.split("$")[4]


async def test_a_password_of_nobody_costs_the_work_of_one_hash_like_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    stored = await passwords.hash(PASSWORD)
    work: list[argon2.Parameters] = []
    verify = argon2.low_level.verify_secret

    def counted(encoded: bytes, secret: bytes, kind: argon2.low_level.Type) -> bool:
        work.append(argon2.extract_parameters(encoded.decode()))
        return verify(encoded, secret, kind)

    monkeypatch.setattr("argon2._password_hasher.verify_secret", counted)
    assert [await passwords.matches(PASSWORD, known) for known in (stored, None)] == [True, False]
    assert not await passwords.matches("another password", stored)
    assert work == [argon2.extract_parameters(stored)] * 3
