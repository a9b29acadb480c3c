"""The page's files: what is sent, how often, how much, and under which policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.exceptions import NotFoundException
from litestar.testing import TestClient

from api import pages
from api.audit import Action
from api.error_answers import handlers

#: What a first visit may weigh, in bytes over the wire: everything but the sample video.
MOST_BYTES = 150 * 1024
MOST_LINES = 300
SOURCES = [path for path in sorted(pages.FOLDER.rglob("*")) if path.suffix in (".html", ".js", ".css")]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    page = pages.load("https://s3.example:9000/path")
    app = Litestar(page.routes, exception_handlers={**handlers(), NotFoundException: page.missing}, openapi_config=None)
    with TestClient(app) as opened:
        yield opened


def linked(document: str) -> list[str]:
    return sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', document)))


def test_nothing_runs_or_loads_but_what_is_ours_and_videos_from_s3(client: TestClient[Litestar]) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "media-src 'self' blob: https://s3.example:9000;" in policy
    assert "connect-src 'self' https://s3.example:9000;" in policy


@pytest.mark.parametrize(("sends_straight", "way"), [(True, "straight"), (False, "through the API")])
def test_the_operator_chooses_which_way_the_page_sends_parts(sends_straight: bool, way: str) -> None:
    page = pages.load("https://s3.example:9000/path", sends_straight=sends_straight)
    with TestClient(Litestar(page.routes, openapi_config=None)) as client:
        assert f'data-parts="{way}"' in client.get("/").text


@pytest.mark.parametrize("address", ["/sign-in", "/reset", "/settings", "/uploads/0193a000-0000-7000-8000-000000000001"])
def test_every_view_is_the_same_document(client: TestClient[Litestar], address: str) -> None:
    assert client.get(address).content == client.get("/").content


def test_an_address_that_nothing_has_is_told_by_the_page_to_browsers_and_by_a_problem_to_programs(client: TestClient[Litestar]) -> None:
    browsers = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    seen = client.get("/nowhere", headers=browsers)
    assert (seen.status_code, seen.content) == (404, client.get("/").content)
    assert seen.headers["content-security-policy"] == client.get("/").headers["content-security-policy"]
    for answer in (client.get("/nowhere"), client.post("/nowhere", headers=browsers), client.get("/v1/nowhere", headers=browsers)):
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("address", ["/", "/reference"])
def test_every_document_has_what_all_heads_share(client: TestClient[Litestar], address: str) -> None:
    head = client.get(address).text.partition("</head>")[0]
    assert head.count('<meta charset="utf-8">') == head.count('name="viewport"') == 1
    assert {"tokens.css", "page.css", "icon.svg", "instrument-sans.woff2"} <= {Path(link).name for link in linked(head)}


def test_every_event_of_the_audit_log_has_a_sentence_of_its_own() -> None:
    words = (pages.FOLDER / "scripts" / "text_activity.js").read_text(encoding="utf-8")
    sentences = dict(re.findall(r'"(account:[\w:-]+)": "([^"]+)"', words))
    assert set(sentences) == {action.value for action in Action}
    assert len(set(sentences.values())) == len(sentences)


def test_a_first_visit_weighs_less_than_150_kib(client: TestClient[Litestar]) -> None:
    document = client.get("/").text
    answers = [client.get(address) for address in ["/", *linked(document)]]
    assert all(answer.status_code == 200 for answer in answers)
    assert sum(int(answer.headers["content-length"]) for answer in answers) < MOST_BYTES


def test_every_script_is_named_in_the_document_so_that_none_is_found_late(client: TestClient[Litestar]) -> None:
    named = {Path(address).name for address in linked(client.get("/").text)}
    assert {path.name for path in SOURCES if path.suffix != ".html" and path.parent.name != "reference"} <= named


def test_the_reference_is_a_document_of_its_own_that_a_first_visit_does_not_load(client: TestClient[Litestar]) -> None:
    document = client.get("/reference")
    assert document.headers["content-security-policy"] == client.get("/").headers["content-security-policy"]
    assert all(client.get(address).status_code == 200 for address in linked(document.text))
    assert "reference" in "".join(linked(document.text))
    assert "reference/" not in "".join(linked(client.get("/").text))


def test_a_file_is_kept_for_ever_and_a_newer_version_has_another_address(client: TestClient[Litestar]) -> None:
    address = next(found for found in linked(client.get("/").text) if found.endswith("main.js"))
    answer = client.get(address)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    version = address.split("/")[2]
    assert client.get(address.replace(version, "0" * 16)).status_code == 404


def test_a_document_that_has_not_changed_is_not_sent_again(client: TestClient[Litestar]) -> None:
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_who_takes_no_gzip_gets_the_plain_file(client: TestClient[Litestar]) -> None:
    answer = client.get("/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.text.startswith("<!doctype html>")


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "scripts", "", "scripts/../../app.py"])
def test_nothing_outside_the_page_can_be_read(client: TestClient[Litestar], path: str) -> None:
    version = linked(client.get("/").text)[0].split("/")[2]
    assert client.get(f"/static/{version}/{path}").status_code == 404


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_file_names_no_other_host_and_stays_small_enough_to_be_read(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    hosts = set(re.findall(r"https?://[\w.-]+", source)) - {"http://www.w3.org"}
    assert not hosts
    assert source.count("\n") <= MOST_LINES


@pytest.mark.parametrize("path", [path for path in SOURCES if path.suffix == ".js"], ids=lambda path: path.name)
def test_no_script_turns_text_into_markup_or_code(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|setAttribute\(\"style", source
    )
