"""Two people and what belongs to the first of them: who asks for every route in turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import httpx

from api.accounts import Scope
from schemas.resources import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES
from tests.integration.over_http.people import OWN

_addresses = count(1)


@dataclass
class Cast:
    """The owner of what the routes are about, somebody else, and keys of the owner by their scopes."""

    http: httpx.Client
    owner: dict[str, str]
    other: dict[str, str]
    upload_id: str
    expired: str
    webhook_id: str = ""
    delivery_id: str = ""
    #: Sessions and keys that were made already, by whose they are and by their scopes.
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)
    keys: dict[frozenset[Scope], dict[str, str]] = field(default_factory=dict)

    def session(self, who: dict[str, str]) -> dict[str, str]:
        """The headers of a session: signing in takes its time on purpose, so that it is done again only where a session may have ended."""
        if who["email"] not in self.sessions:
            self.sessions[who["email"]] = self.new_session(who)
        return self.sessions[who["email"]]

    def new_session(self, who: dict[str, str]) -> dict[str, str]:
        """The headers of a session that nobody else has."""
        address = {"X-Forwarded-For": f"10.8.{next(_addresses) // 256}.{next(_addresses) % 256}"}
        answer = self.http.post("/v1/session", json=who, headers=address)
        assert answer.status_code == 200, answer.text
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0], **address, **OWN}

    def key(self, scopes: list[Scope]) -> dict[str, str]:
        """The headers that carry a key of the owner."""
        if frozenset(scopes) not in self.keys:
            self.keys[frozenset(scopes)] = self.new_key(scopes)[1]
        return self.keys[frozenset(scopes)]

    def new_key(self, scopes: list[Scope]) -> tuple[str, dict[str, str]]:
        """The id of a key of the owner that nobody else has, and the headers that carry it."""
        made = self.http.post("/v1/keys", json={"name": "x", "scopes": scopes}, headers=self.session(self.owner))
        assert made.status_code == 201, made.text
        return made.json()["id"], {"Authorization": f"Bearer {made.json()['key']}"}

    def webhook(self) -> str:
        """The id of a new webhook of the owner, at an address to which nothing is sent here."""
        made = self.http.post("/v1/webhooks", json={"url": "https://1.1.1.1/hook"}, headers=self.session(self.owner))
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def path(self, method: str, template: str) -> str:
        """A route about something of the owner's, new where the route may destroy it."""
        named = {
            "upload_id": self.upload_id,
            "number": 1,
            "receipt_id": uuid4(),
            "path": "nothing.js",
            "version_asked": "x",
            "key_id": "",
            "session_id": "",
            "webhook_id": self.webhook_id,
            "delivery_id": self.delivery_id,
        }
        if method == "DELETE" and "{webhook_id}" in template:
            named["webhook_id"] = self.webhook()
        if template.endswith("/cancel") or (method == "DELETE" and "{upload_id}" in template):
            named["upload_id"] = self.http.post("/v1/uploads", json={"filename": "x.mp4"}, headers=self.session(self.owner)).json()["id"]
        if "{key_id}" in template:
            named["key_id"] = self.new_key([Scope.READ])[0]
        if "{session_id}" in template:
            listed = self.http.get("/v1/sessions", headers=self.new_session(self.owner)).json()["data"]
            named["session_id"] = next(session["id"] for session in listed if session["current"])
        return template.format(**named)

    def ask(self, route: tuple[str, str], headers: dict[str, str], path: str | None = None) -> tuple[int, str]:
        """The status, and the name of the problem if it is one; streams are not read to their end."""
        method, template = route
        with self.http.stream(method, path or self.path(method, template), headers=headers) as answer:
            if method != "GET" and answer.is_success:
                self.sessions.clear()  # it may have ended them
            if answer.headers.get("content-type") != PROBLEM_MEDIA_TYPE:
                return answer.status_code, ""
            return answer.status_code, httpx.Response(200, content=answer.read()).json()["type"].removeprefix(PROBLEM_TYPES)
