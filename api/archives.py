"""Archives: many analyses at once as one ZIP, streamed."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter
from litestar.types import ASGIApp
from zipstream import ZipStream

from api import analyses
from api.accounts import Scope
from api.archive_names import ArchiveNames
from api.archive_response import ArchiveResponse
from api.documentation import problems
from api.guards import requires
from api.library import FILTERS, Filters, Wanted, page_of
from api.problems import Busy, InvalidRequest, NoSuchUpload, Problem, TooManyArchives
from api.services import Authenticated, Injected
from api.uploads import as_upload
from runtime.database import Database
from runtime.identifiers import canonical
from schemas.analysis import Analysis
from schemas.resources import Archived, ArchiveManifest, Upload

#: The directory at the end of an archive names every file, and is all that grows with it.
MOST_UPLOADS = 10_000
MANIFEST = "manifest.json"
_PAGE = 100

Suffix = Literal["json", "srt", "vtt", "csv", "eaf"]
Formats = Annotated[list[Suffix] | None, Parameter(description="In which formats; JSON if none is named.")]
Ids = Annotated[
    list[str] | None, Parameter(max_items=100, description="Just these uploads, by their ids, and not those that the filters leave.")
]
_OK = ResponseSpec(
    data_container=bytes,
    media_type="application/zip",
    generate_examples=False,
    description=f"The archive: a file for each analysis and format, and `{MANIFEST}`, which says what each upload gave, or why nothing.",
)


@get(
    "/analyses.zip",
    guards=[requires(Scope.READ)],
    dependencies=FILTERS,
    responses={200: _OK, **problems(InvalidRequest, TooManyArchives, Busy)},
)
async def get_archive(request: Authenticated, services: Injected, wanted: Filters, format: Formats = None, id: Ids = None) -> ASGIApp:
    """The newest analyses of many uploads as one archive: of those with an `id` that is given, or of those that the filters of
    `GET /v1/uploads` leave, newest first, 10,000 at most. An account is sent four at once."""
    forms = [form for form in analyses.FORMATS if form.suffix[1:] in (format or ["json"])]
    chosen = _named(id) if id else _selected(services.database, request.user.account_id, wanted)
    content = _Archive(services.database, request.user.account_id, forms).stream(chosen)
    return ArchiveResponse(services.archives, request.user.account_id, content, f"analyses-{datetime.now(UTC):%Y-%m-%d}.zip")


async def _named(ids: list[str]) -> AsyncIterator[list[str]]:
    yield list(dict.fromkeys(ids))


async def _selected(db: Database, account_id: UUID, wanted: Wanted) -> AsyncIterator[list[str]]:
    cursor, count = None, 0
    while count < MOST_UPLOADS:
        page, cursor = await page_of(db, account_id, wanted, min(_PAGE, MOST_UPLOADS - count), cursor)
        count += len(page)
        yield [str(row["id"]) for row in page]
        if cursor is None:
            return


class _Archive:
    """Puts one upload after another into a ZIP; holds one analysis at a time, and no connection while the client reads."""

    def __init__(self, db: Database, account_id: UUID, forms: list[analyses.Format]) -> None:
        self._database, self._account_id, self._forms = db, account_id, forms
        self._zip = ZipStream(compress_type=zipfile.ZIP_DEFLATED)
        self._names = ArchiveNames(taken=MANIFEST.removesuffix(".json"))
        self._entries: list[Archived] = []

    async def stream(self, pages: AsyncIterator[list[str]]) -> AsyncIterator[bytes]:
        """The archive in pieces."""
        async for ids in pages:
            for upload_id in ids:
                for piece in await self._upload(upload_id):
                    yield piece
        full = len(self._entries) == MOST_UPLOADS
        manifest = ArchiveManifest(made_at=datetime.now(UTC), complete=not full, uploads=self._entries)
        self._zip.add(msgspec.json.format(msgspec.json.encode(manifest)), MANIFEST)
        for piece in self._zip.finalize():
            yield piece

    async def _upload(self, upload_id: str) -> list[bytes]:
        parsed = canonical(upload_id)
        found = await self._database.rows("account_upload", id=parsed, account_id=self._account_id) if parsed else []
        if not found:
            problem = NoSuchUpload(f"this account has no upload {upload_id[:100]!r}: it was erased, or never there")
            return self._note(Archived(id=upload_id[:100], problem=problem.document(None)))
        upload = as_upload(found[0])
        analysis = await self._database.rows("analysis", upload_id=upload.id, attempt=None)
        if not analysis:
            return self._note(_without(upload, analyses.why_not(upload, None)))
        return await asyncio.to_thread(self._add, upload, analysis[0]["attempt"], analysis[0]["document"])

    def _add(self, upload: Upload, attempt: int, document: object) -> list[bytes]:
        stem, names = self._names.stem(analyses.file_name(upload)), []
        for form in self._forms:
            names.append(f"{stem}{form.suffix}")
            self._zip.add(form.render(msgspec.convert(document, Analysis), upload), names[-1])
        self._note(Archived(id=str(upload.id), filename=upload.filename, status=upload.status, attempt=attempt, files=names))
        return list(self._zip.all_files())

    def _note(self, entry: Archived) -> list[bytes]:
        self._entries.append(entry)
        return []


def _without(upload: Upload, problem: Problem) -> Archived:
    return Archived(id=str(upload.id), filename=upload.filename, status=upload.status, problem=problem.document(None))
