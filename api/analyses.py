"""Analyses: what was found in an upload, as JSON, subtitles, a table or annotations."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from typing import Annotated, NamedTuple

import msgspec
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, Parameter
from psycopg.rows import DictRow

from api import elan, exports
from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import AnalysisNotReady, InvalidRequest, NoAnalysis, NoSuchUpload, NotAcceptable
from api.services import Authenticated, Injected
from api.uploads import as_upload, owned
from schemas.analysis import Analysis
from schemas.resources import Upload
from schemas.status import TERMINAL, Status

#: Which attempt an answer is about.
ATTEMPT_HEADER = "Valence-Attempt"


class Format(NamedTuple):
    """A form that an analysis is given in: the suffix of its address, its media type, and what makes it."""

    suffix: str
    media_type: str
    render: Callable[[Analysis, Upload], bytes]


def _text(render: Callable[[Analysis], str]) -> Callable[[Analysis, Upload], bytes]:
    return lambda analysis, upload: render(analysis).encode()


def file_name(upload: Upload) -> str:
    """The name of the video: what was ingested from S3 has that of its object."""
    return upload.filename or upload.source.rpartition("/")[2]


def _elan(analysis: Analysis, upload: Upload) -> bytes:
    name = file_name(upload)
    media_type = upload.content_type or mimetypes.guess_type(name)[0] or "video/mp4"
    return elan.eaf(analysis, elan.Video(name, media_type, upload.updated_at))


#: The formats, the one that is given to who accepts anything first.
FORMATS = (
    Format(".json", "application/json", lambda analysis, upload: msgspec.json.encode(analysis)),
    Format(".srt", "application/x-subrip", _text(exports.srt)),
    Format(".vtt", "text/vtt", _text(exports.vtt)),
    Format(".csv", "text/csv", _text(exports.table)),
    Format(".eaf", elan.MEDIA_TYPE, _elan),
)
_PATH = "/uploads/{upload_id:str}/analysis"
_OK = ResponseSpec(data_container=Analysis, description="The analysis, in the format that is asked for.", generate_examples=False)

Attempt = Annotated[int | None, Parameter(ge=1, le=1_000_000, description="Another attempt than the newest that has an analysis.")]


@get(
    [_PATH, *(_PATH + form.suffix for form in FORMATS)],
    guards=[requires(Scope.READ)],
    responses={200: _OK, **problems(NoSuchUpload, NoAnalysis, AnalysisNotReady, NotAcceptable, InvalidRequest)},
)
async def get_analysis(request: Authenticated, services: Injected, upload_id: FromPath[str], attempt: Attempt = None) -> Response[bytes]:
    """What was found in an upload; the format goes by the suffix of the address, or by Accept."""
    form = _chosen(request)
    row = await owned(services.database, request.user.account_id, upload_id)
    found = await services.database.rows("analysis", upload_id=row["id"], attempt=attempt)
    if not found:
        raise why_not(as_upload(row), attempt)
    return _answer(form, found[0], as_upload(row))


def _chosen(request: Authenticated) -> Format:
    for form in FORMATS:
        if request.url.path.endswith(form.suffix):
            return form
    media_types = [form.media_type for form in FORMATS]
    best = request.accept.best_match(media_types, default=None) if "accept" in request.headers else media_types[0]
    if best is None:
        raise NotAcceptable(f"Accept is {request.headers['accept'][:200]!r}: expected one of {', '.join(media_types)}")
    return FORMATS[media_types.index(best)]


def _answer(form: Format, row: DictRow, upload: Upload) -> Response[bytes]:
    headers = {ATTEMPT_HEADER: str(row["attempt"]), "Vary": "Accept"}
    if form.suffix != ".json":
        headers["Content-Disposition"] = f'attachment; filename="{upload.id}{form.suffix}"'
    body = form.render(msgspec.convert(row["document"], Analysis), upload)
    return Response(body, media_type=form.media_type, headers=headers)


def why_not(upload: Upload, attempt: int | None) -> NoAnalysis | AnalysisNotReady:
    """Why an upload has no analysis, or none of this attempt."""
    asked = attempt or upload.attempt
    if asked == upload.attempt and upload.status not in TERMINAL:
        return AnalysisNotReady(
            f"the upload is {upload.status}: `/v1/uploads/{upload.id}/events` tells when it is completed", upload_status=upload.status
        )
    if asked != upload.attempt:
        return NoAnalysis(f"attempt {asked} has no analysis: the newest attempt is {upload.attempt}", upload_status=upload.status)
    advice = "try it again" if upload.failure is None or upload.failure.retryable else "a retry of the same file does not help"
    if upload.status is Status.COMPLETED:
        advice = "it was erased"
    return NoAnalysis(f"the upload is {upload.status} and has no analysis: {advice}", upload_status=upload.status, failure=upload.failure)
