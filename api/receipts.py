"""Receipts of what was erased."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.params import FromPath

from api.authentication import FOR_EVERYBODY
from api.documentation import public_problems
from api.problems import NoSuchReceipt
from api.services import Injected
from runtime.database import Database
from runtime.identifiers import canonical
from schemas.accounts import Receipt


@get("/receipts/{receipt_id:str}", opt=FOR_EVERYBODY, security=[], responses=public_problems(NoSuchReceipt))
async def get_receipt(services: Injected, receipt_id: FromPath[str]) -> Receipt:
    """What was erased, and whether all of it is gone. The id is the permission: the account that asked may be gone too."""
    return await find(services.database, receipt_id)


async def find(db: Database, receipt_id: str) -> Receipt:
    """The receipt with this id; NoSuchReceipt for every other text."""
    parsed = canonical(receipt_id)
    found = await db.rows("receipt", id=parsed) if parsed is not None else []
    if not found:
        raise NoSuchReceipt(f"there is no receipt {receipt_id[:100]!r}: its id is in the answer to what was erased")
    return msgspec.convert(found[0], Receipt)
