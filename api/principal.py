"""Who asks, once that is known."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID


class Principal(NamedTuple):
    """An account, by one of its keys or by a session, and what that may do; a session may do everything."""

    account_id: UUID
    key_id: str | None
    scopes: frozenset[str]
    session_id: UUID | None = None

    @property
    def credential(self) -> str:
        """By what it has shown who it is: the id of the key or of the session."""
        return self.key_id or str(self.session_id)
