"""The small picture of an upload."""

from __future__ import annotations

from typing import Annotated

from litestar import MediaType, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter

from api.accounts import Scope
from api.documentation import problems
from api.guards import requires
from api.problems import Busy, NoSuchUpload, NoThumbnail
from api.services import Authenticated, Injected
from api.uploads import owned

#: A browser keeps it and asks each time whether it may still be shown: not after an erasure, nor to the next account in the same browser.
_CACHE = "private, no-cache"
_JPEG = "image/jpeg"

IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", description="The ETag of the picture that is there already.")]
_PICTURE = ResponseSpec(data_container=bytes, media_type=_JPEG, description="The picture.", generate_examples=False)


@get(
    "/uploads/{upload_id:str}/thumbnail",
    media_type=_JPEG,
    guards=[requires(Scope.READ)],
    responses={200: _PICTURE, **problems(NoSuchUpload, NoThumbnail, Busy)},
)
async def get_thumbnail(
    request: Authenticated, services: Injected, upload_id: FromPath[str], if_none_match: IfNoneMatch = None
) -> Response[bytes]:
    """A picture from the video as JPEG, its longer side 320 pixels, upright: made when it is first asked for, and kept beside the video.

    404 `no-thumbnail` for sound alone, and until the video has been validated.
    """
    row = await owned(services.database, request.user.account_id, upload_id)
    if row["media"] is None or row["etag"] is None:
        raise NoThumbnail(f"the upload is {row['status']}, and has not been looked at: ask again once it is validated")
    if row["media"].get("video") is None:
        raise NoThumbnail("there is only sound in it: draw a sign of your own")
    tag = f'"{row["etag"]}"'
    headers = {"Cache-Control": _CACHE, "ETag": tag}
    if if_none_match is not None and tag in (one.strip().removeprefix("W/") for one in if_none_match.split(",")):
        return Response(b"", status_code=304, headers=headers, media_type=MediaType.TEXT)
    picture = await services.thumbnails.get(row["id"], row["bucket"], row["key"], row["etag"])
    return Response(picture, headers=headers, media_type=_JPEG)
