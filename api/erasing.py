"""Erasing an upload with everything that was made of it."""

from __future__ import annotations

from litestar import Response, delete
from litestar.params import FromPath

from api import receipts
from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import NoSuchUpload
from api.services import Authenticated, Injected
from runtime import erasure, telemetry
from runtime.identifiers import canonical
from schemas.accounts import Receipt


@delete("/uploads/{upload_id:str}", status_code=202, guards=[requires(Scope.WRITE)], responses=problems(NoSuchUpload))
async def erase_upload(request: Authenticated, services: Injected, upload_id: FromPath[str]) -> Response[Receipt]:
    """Erase an upload, in whatever state: its rows at once, its objects in S3 within minutes. Nothing brings it back.

    The receipt at the Location tells how far that has come, and by when Kafka has forgotten the rest; the same request again answers the
    same receipt. A source that lay elsewhere, as bulk ingestion's do, stays there.
    """
    parsed, account_id = canonical(upload_id), request.user.account_id
    receipt_id = None
    if parsed is not None:
        with telemetry.following(parsed, "api.erase_upload"):
            async with services.database.transaction() as connection:
                receipt_id = await erasure.erase_owned(connection, services.settings, parsed, account_id)
    if receipt_id is None:
        raise NoSuchUpload(f"this account has no upload {upload_id!r}: `GET /v1/uploads` lists them")
    receipt = await receipts.find(services.database, str(receipt_id))
    return Response(receipt, status_code=202, headers={"Location": f"/v1/receipts/{receipt_id}"})
