"""The API as the asking user sees it: HTTP to the gateway with the user's own token.

Calls of our own service are made inside the process, through the same WSGI app with
the same token: a service that waits for itself over HTTP could stand still when all
its threads do so.

Refuses to act for anyone else: it only ever passes on the Authorization header of the
request being answered. A service that is away is an answer with status 503, not a
crash, so that the reply can say so.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from werkzeug.test import Client, TestResponse

CONNECT_S, READ_S = 2.0, 8.0
AWAY = 503
OWN_PATHS = "/api/ai/"
INSIDE_AT_ONCE = 8

_session = requests.Session()
_session.trust_env = False  # the gateway is ours: no proxy of the environment
_session.mount("http://", HTTPAdapter(pool_connections=4, pool_maxsize=16))
# A thread of its own, so that the inner request has contexts of its own.
_inside = ThreadPoolExecutor(INSIDE_AT_ONCE, thread_name_prefix="own-api")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to make. query: None values are left out, lists joined by commas."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    if_match: int | None = None

    @property
    def url(self) -> str:
        """Return path and query, as a user could open it."""
        pairs = {k: wire(v) for k, v in self.query.items() if v is not None}
        return f"{self.path}?{urlencode(pairs, safe=',:')}" if pairs else self.path

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"method": self.method, "path": self.url}
        if self.body is not None:
            found["body"] = dict(self.body)
        if self.if_match is not None:
            found["if_match"] = self.if_match
        return found


def call_from_json(kept: Mapping[str, Any]) -> Call:
    return Call(
        kept["method"], kept["path"], {}, kept.get("body"), kept.get("if_match")
    )


def wire(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(str(v) for v in value)
    return str(value)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said. body: decoded JSON, {} when there was none."""

    call: Call
    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return self.status < 400


@dataclass(frozen=True, slots=True)
class ApiClient:
    """The API for one request of one user."""

    base_url: str
    authorization: str
    request_id: str
    own_app: Flask | None = None

    def send(self, call: Call) -> Answer:
        if self.own_app is not None and call.path.startswith(OWN_PATHS):
            return _inside.submit(self.send_inside, self.own_app, call).result()
        return self.send_over_http(call)

    def send_inside(self, app: Flask, call: Call) -> Answer:
        response: TestResponse = Client(app.wsgi_app).open(
            call.url, method=call.method, json=call.body, headers=self.headers(call)
        )
        body = response.get_json(silent=True) if response.data else {}
        return Answer(call, response.status_code, body or {})

    def headers(self, call: Call) -> dict[str, str]:
        headers = {
            "Authorization": self.authorization,
            "X-Request-Id": self.request_id,
            "X-Via": "chat",
        }
        if call.if_match is not None:
            headers["If-Match"] = f'"{call.if_match}"'
        return headers

    def send_over_http(self, call: Call) -> Answer:
        try:
            response = _session.request(
                call.method,
                self.base_url + call.url,
                json=call.body,
                headers=self.headers(call),
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
            )
        except requests.RequestException:
            return Answer(call, AWAY, {"code": "unavailable"})
        return Answer(call, response.status_code, decoded(response))

    def get(self, path: str, **query: Any) -> Answer:
        return self.send(Call("GET", path, query))


def decoded(response: requests.Response) -> Any:
    try:
        return response.json() if response.content else {}
    except ValueError:
        return {}
