"""The web page: its files, read once at the start and served without a key, each compressed, with an ETag, under a strict policy.

The addresses of all files but the document carry a digest of the whole folder, so browsers may keep them for ever and a new version is
fetched whole. The sample that an empty account is offered is one of the files.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from api.error_answers import AnyRequest, refuse
from api.problems import NoSuchRoute

FOLDER = Path(__file__).parent / "web"
#: The video that an empty account is offered; it lies beside the code, as the demo's.
SAMPLE = Path(__file__).parent.parent / "samples" / "dialogue.mp4"
#: The reference of the API, a document of its own whose scripts nobody else loads.
REFERENCE = "reference/"
#: Every address that the page answers at; which view it shows there is the page's own business (web/scripts/router.js).
ADDRESSES = ("/", "/sign-in", "/sign-up", "/reset", "/settings", "/uploads/{upload_id:str}")

_COMPRESSED = frozenset({".css", ".html", ".js", ".json", ".svg", ".txt"})
_FOR_EVER = "public, max-age=31536000, immutable"
#: The document names the digest, so it is asked for anew each time: a 304 as long as nothing has changed.
_ASK_AGAIN = "no-cache"


class WebFile(NamedTuple):
    """A file as it is sent: its bytes, the same compressed where that makes it smaller, its media type and its ETag."""

    content: bytes
    compressed: bytes | None
    media_type: str
    etag: str


def content_security_policy(storage_origin: str) -> str:
    """What the page may load: its own files, and videos from S3; no inline script, no inline style, no markup made of text."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self' blob: data:",
        "media-src": f"'self' blob: {storage_origin}",
        "connect-src": f"'self' {storage_origin}",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in policy.items())


class Page(NamedTuple):
    """The page's routes, and what is answered at an address that nothing has."""

    routes: list[HTTPRouteHandler]
    missing: Callable[[AnyRequest, NotFoundException], Response[bytes]]


def load(storage_url: str, *, sends_straight: bool = False) -> Page:
    """The page as it lies in its folder; `storage_url` is where browsers are sent for videos, the address of S3, and where the page sends
    the parts of files if it `sends_straight`."""
    address = urlsplit(storage_url)
    policy = content_security_policy(f"{address.scheme}://{address.netloc}")
    contents = {str(path.relative_to(FOLDER)): path.read_bytes() for path in sorted(FOLDER.rglob("*")) if path.is_file()}
    contents["sample.mp4"] = SAMPLE.read_bytes()
    version = hashlib.sha256(b"".join(name.encode() + content for name, content in contents.items())).hexdigest()[:16]
    head = contents.pop("head.html")
    document, described = (contents.pop(name).replace(b"<!-- head -->\n", head) for name in ("index.html", f"{REFERENCE}reference.html"))
    document = document.replace(b"{parts}", b"straight" if sends_straight else b"through the API")
    files = {name: _web_file(name, content) for name, content in contents.items()}
    own = [name for name in contents if not name.startswith(REFERENCE)]
    index = _web_file("index.html", _linked(document, f"/static/{version}", own))
    reference = _web_file("reference.html", _linked(described, f"/static/{version}", []))

    @get(list(ADDRESSES), include_in_schema=False)
    async def page(request: Request[None, None, State]) -> Response[bytes]:
        """The page itself."""
        return _answer(request, index, _ASK_AGAIN, {"Content-Security-Policy": policy})

    @get("/reference", include_in_schema=False)
    async def api_reference(request: Request[None, None, State]) -> Response[bytes]:
        """What the API can do, for people: drawn from `/v1/openapi.json`."""
        return _answer(request, reference, _ASK_AGAIN, {"Content-Security-Policy": policy})

    @get("/static/{version_asked:str}/{path:path}", include_in_schema=False)
    async def static(request: Request[None, None, State], version_asked: FromPath[str], path: FromPath[str]) -> Response[bytes]:
        """A style sheet, a script, a font or the sample."""
        found = files.get(path.lstrip("/"))
        if found is None or version_asked != version:
            raise NoSuchRoute(f"there is nothing at {request.url.path!r} in this version of the page: load the page again")
        return _answer(request, found, _FOR_EVER, {})

    def missing(request: AnyRequest, error: NotFoundException) -> Response[bytes]:
        """The page, which says so, to somebody before a browser; a problem document to programs."""
        if request.method != "GET" or "text/html" not in request.headers.get("accept", "") or request.url.path.startswith("/v1/"):
            return refuse(request, error)
        headers = {"Content-Security-Policy": policy, "Cache-Control": _ASK_AGAIN, "Vary": "Accept"}
        return Response(index.content, status_code=404, media_type=index.media_type, headers=headers)

    return Page([page, api_reference, static], missing)


def _linked(document: bytes, static: str, names: Iterable[str]) -> bytes:
    """The document with the addresses of this version, and every script named at once: browsers need not discover them one by one."""
    scripts = "\n".join(f'<link rel="modulepreload" href="{static}/{name}">' for name in names if name.endswith(".js"))
    return document.replace(b"<!-- scripts -->", scripts.encode()).replace(b"{static}", static.encode())


def _web_file(name: str, content: bytes) -> WebFile:
    suffix = Path(name).suffix
    media_type = {".js": "text/javascript", ".woff2": "font/woff2"}.get(suffix) or mimetypes.types_map[suffix]
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    compressed = gzip.compress(content, mtime=0) if suffix in _COMPRESSED else None
    return WebFile(content, compressed, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _answer(request: Request[None, None, State], file: WebFile, caching: str, more: dict[str, str]) -> Response[bytes]:
    headers = {"Cache-Control": caching, "ETag": file.etag, "Vary": "Accept-Encoding", **more}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)
