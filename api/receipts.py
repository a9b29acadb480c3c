"""Receipts of what was erased: how far it has come, all that went, and whether it is still gone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, Parameter

from api import bodies, throttling
from api.authentication import FOR_EVERYBODY
from api.documentation import public_problems
from api.guards import same_site
from api.problems import CrossSite, InvalidRequest, NoSuchReceipt, ReceiptUnfinished, TooManyTries, UnsupportedMediaType, field_at
from api.services import Injected, Services
from api.visitors import visitor
from runtime.database import Database
from runtime.errors import ObjectMissing
from runtime.identifiers import canonical
from runtime.storage import locate
from schemas.accounts import CheckReceipt, Receipt, ReceiptCheck, ReceiptItem, ReceiptItems

#: Objects that one check looks for, and how many of them at the same time.
MOST_OBJECTS, AT_ONCE = 1_000, 16
#: Each check asks S3 for every object.
CHECKS = throttling.hourly(60)

Limit = Annotated[int, Parameter(ge=1, le=1_000, description="How many items a page has.")]
After = Annotated[str | None, Parameter(description="The `next_cursor` of the page before.")]


@get("/receipts/{receipt_id:str}", opt=FOR_EVERYBODY, security=[], responses=public_problems(NoSuchReceipt))
async def get_receipt(services: Injected, receipt_id: FromPath[str]) -> Receipt:
    """What was erased, and whether all of it is gone. The id is the permission: the account that asked may be gone too."""
    return await find(services.database, receipt_id)


@get("/receipts/{receipt_id:str}/items", opt=FOR_EVERYBODY, security=[], responses=public_problems(NoSuchReceipt, InvalidRequest))
async def get_receipt_items(services: Injected, receipt_id: FromPath[str], limit: Limit = 100, after: After = None) -> ReceiptItems:
    """All that went, thing by thing.

    `sha256` of a finished receipt is the digest of these items in this order, each as a line `kind name number` that ends in a line feed.
    """
    receipt = await find(services.database, receipt_id)
    named = {"receipt_id": receipt.id, "after": _position(after), "most": limit + 1}
    found = await services.database.rows("receipt_items", **named)
    page = found[:limit]
    return ReceiptItems(
        data=[msgspec.convert(row, ReceiptItem, strict=False) for row in page],
        next_cursor=str(page[-1]["position"]) if len(found) > limit else None,
    )


@post(
    "/receipts/{receipt_id:str}/check",
    status_code=200,
    opt=FOR_EVERYBODY,
    guards=[same_site],
    security=[],
    operation_class=bodies.operation(CheckReceipt),
    responses=public_problems(CrossSite, NoSuchReceipt, ReceiptUnfinished, InvalidRequest, UnsupportedMediaType, TooManyTries),
)
async def check_receipt(request: Request[Any, Any, Any], services: Injected, receipt_id: FromPath[str]) -> ReceiptCheck:
    """Check a receipt that was kept: whether it is what was given out, and whether everything on it is still gone."""
    data, receipt = await bodies.read(request, CheckReceipt), await find(services.database, receipt_id)
    await throttling.take(services.database, CHECKS, f"receipts at {visitor(request.scope).network}")
    if receipt.finished_at is None:
        raise ReceiptUnfinished("not everything has gone yet, so there is no signature to check: ask for the receipt again")
    expected = _signature(receipt, await _digest(services.database, receipt), await _secret(services.database))
    rows = await services.database.rows("reappeared_rows", receipt_id=receipt.id)
    objects = await services.database.rows("receipt_objects", receipt_id=receipt.id, most=MOST_OBJECTS)
    return ReceiptCheck(
        checked_at=datetime.now(UTC),
        genuine=hmac.compare_digest(expected, data.signature),
        reappeared=[f"{row['kind']} {row['name']}" for row in rows] + await _there(services, [row["name"] for row in objects]),
        objects_looked_for=len(objects),
    )


async def find(db: Database, receipt_id: str) -> Receipt:
    """The receipt with this id, signed if it is finished; NoSuchReceipt for every other text."""
    parsed = canonical(receipt_id)
    found = await db.rows("receipt", id=parsed) if parsed is not None else []
    if not found:
        raise NoSuchReceipt(f"there is no receipt {receipt_id[:100]!r}: its id is in the answer to what was erased")
    receipt = msgspec.convert(found[0], Receipt)
    if receipt.finished_at is None or receipt.sha256 is None:
        return receipt
    return msgspec.structs.replace(receipt, signature=_signature(receipt, receipt.sha256, await _secret(db)))


def _signature(receipt: Receipt, digest: str, secret: bytes) -> str:
    """An HMAC-SHA256 under everything that a finished receipt says."""
    told = (receipt.asked_at, receipt.finished_at, receipt.forgotten_by)
    times = [time and time.astimezone(UTC).isoformat() for time in told]
    said = [receipt.id, receipt.kind, *times, receipt.uploads, receipt.objects, receipt.tombstones, digest]
    return hmac.new(secret, "\n".join(map(str, said)).encode(), hashlib.sha256).hexdigest()


async def _secret(db: Database) -> bytes:
    return bytes((await db.rows("receipt_secret"))[0]["secret"])


async def _digest(db: Database, receipt: Receipt) -> str:
    """The digest of the items as they are in the table now."""
    hashed, after = hashlib.sha256(), 0
    while page := await db.rows("receipt_items", receipt_id=receipt.id, after=after, most=MOST_OBJECTS):
        for row in page:
            hashed.update(f"{row['kind']} {row['name']} {row['number']}\n".encode())
        after = page[-1]["position"]
    return hashed.hexdigest()


async def _there(services: Services, places: list[str]) -> list[str]:
    looking = asyncio.Semaphore(AT_ONCE)

    async def is_there(place: str) -> bool:
        async with looking:
            try:
                await services.storage.head(*locate(place))
            except ObjectMissing:
                return False
            return True

    found = await asyncio.gather(*map(is_there, places))
    return [f"object {place}" for place, there in zip(places, found, strict=True) if there]


def _position(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        expected = "the next_cursor of the page before, unchanged"
        raise InvalidRequest(f"after is {after[:100]!r}: expected {expected}", errors=[field_at("after", after, expected)])
    return int(after)
