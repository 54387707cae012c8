"""Whatever is sent, the answer is a clear 4xx that gives nothing away."""

from typing import Any

import pytest

from db.engine import Database
from tests.actors import Person, add_person
from tests.auth_service.conftest import PASSWORD, Client, new_app

LARGE = "x" * 100_000
BAD_VALUES: dict[str, Any] = {
    "a number": 7,
    "a nested object": {"$gt": ""},
    "a deep object": {"a": {"b": {"c": {"d": {}}}}},
    "a list": ["aisyah"],
    "true": True,
    "null": None,
    "empty": "",
    "100 kB": LARGE,
    "a null character": "aisyah\x00",
}


@pytest.fixture(scope="module")
def client(
    module_database: Database,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Client:
    """Return a client on a database that all tests of this module share."""
    return new_app(database_url, tmp_path_factory.mktemp("var")).test_client()


@pytest.fixture(scope="module")
def aisyah(module_database: Database, password_hash: str) -> Person:
    return add_person(
        module_database, "dispatcher", username="aisyah", password_hash=password_hash
    )


@pytest.fixture(scope="module")
def admin(module_database: Database) -> Person:
    return add_person(module_database, "admin", username="boss")


BODIES: dict[str, dict[str, Any]] = {
    "/api/auth/login": {"username": "aisyah", "password": PASSWORD},
    "/api/auth/register": {
        "username": "someone",
        "email": "someone@example.com",
        "password": PASSWORD,
    },
    "/api/auth/refresh": {"refresh_token": "x"},
    "/api/auth/password/forgot": {"email": "aisyah@example.com"},
    "/api/auth/password/reset": {"token": "x", "password": PASSWORD},
    "/api/auth/password": {"old_password": PASSWORD, "new_password": PASSWORD},
    "/api/auth/second-factor": {"password": PASSWORD},
    "/api/auth/second-factor/confirm": {"code": "123456"},
    "/api/auth/api-keys": {"label": "x", "scopes": ["auth:read"]},
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
@pytest.mark.parametrize("path", BODIES)
def test_a_bad_value_in_any_field_is_named(
    client: Client, aisyah: Person, path: str, value: Any
) -> None:
    for field in BODIES[path]:
        if (field, value) == ("scopes", ["aisyah"]):
            continue
        body = BODIES[path] | {field: value}
        answer = client.post(path, json=body, headers=aisyah.headers)
        assert answer.status_code == 422, (field, answer.json)
        assert any(name.startswith(field) for name in answer.json["errors"])
        assert len(answer.data) < 2_000, "what was sent does not come back"


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        pytest.param("{", "application/json", (400,), id="half an object"),
        pytest.param("\xff\xfe", "application/json", (400,), id="not UTF-8"),
        pytest.param('{"a": "\\ud800"}', "application/json", (400,), id="half a pair"),
        pytest.param('{"a": NaN}', "application/json", (400,), id="not a number"),
        pytest.param("[]", "application/json", (422,), id="a list"),
        pytest.param('"x"', "application/json", (422,), id="a string"),
        pytest.param("null", "application/json", (422,), id="null"),
        pytest.param("a=b", "application/x-www-form-urlencoded", (415,), id="a form"),
        pytest.param("<a/>", "text/xml", (415,), id="XML"),
        pytest.param("[" * 100_000, "application/json", (400,), id="deeply nested"),
        pytest.param('{"a":' * 90_000, "application/json", (400,), id="deep objects"),
    ],
)
def test_a_body_that_is_no_object_is_refused(
    client: Client, aisyah: Person, path: str, data: str, kind: str, status: tuple[int]
) -> None:
    answer = client.post(
        path, data=data.encode("latin-1"), content_type=kind, headers=aisyah.headers
    )
    assert answer.status_code in status, answer.json
    assert answer.content_type == "application/problem+json"


def test_a_body_beyond_the_limit_is_413(client: Client) -> None:
    body = {"username": "x" * (2 << 20), "password": "x"}
    assert client.post("/api/auth/login", json=body).status_code == 413


@pytest.mark.parametrize("path", BODIES)
def test_an_unknown_field_is_named(client: Client, aisyah: Person, path: str) -> None:
    body = BODIES[path] | {"is_admin": True}
    answer = client.post(path, json=body, headers=aisyah.headers)
    assert answer.status_code == 422
    assert "is_admin" in answer.json["errors"]


def test_a_100_kb_password_costs_no_hash(
    client: Client, aisyah: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from auth_service.passwords import Hasher

    monkeypatch.setattr(Hasher, "matches", lambda *_: pytest.fail("hashed"))
    body = {"username": "aisyah", "password": LARGE}
    assert client.post("/api/auth/login", json=body).status_code == 422


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("аisyah", id="Cyrillic a"),
        pytest.param("aisy\u0430h", id="Cyrillic inside"),
        pytest.param("aisyah\u200b", id="zero-width space"),
        pytest.param("\u202eaisyah", id="right to left"),
        pytest.param("ａｉｓｙａｈ", id="full width"),
        pytest.param("AISYAH", id="capitals"),
        pytest.param("𝒶𝒾𝓈𝓎𝒶𝒽", id="mathematical letters"),
    ],
)
def test_nobody_registers_a_name_that_looks_like_one_there_is(
    client: Client, aisyah: Person, name: str
) -> None:
    body = BODIES["/api/auth/register"] | {"username": name}
    assert client.post("/api/auth/register", json=body).status_code in (409, 422)


@pytest.mark.parametrize(
    "text",
    [
        "' OR '1'='1",
        "admin'--",
        '"; DROP TABLE auth.users; --',
        "%",
        "_",
        "${jndi:ldap://x}",
        "../../etc/passwd",
        "<script>alert(1)</script>",
    ],
)
def test_a_clever_name_is_only_a_wrong_one(
    client: Client, aisyah: Person, text: str
) -> None:
    body = {"username": text, "password": PASSWORD}
    answer = client.post("/api/auth/login", json=body)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "User-Agent", "X-Request-Id", "If-Match", "Idempotency-Key"],
)
@pytest.mark.parametrize("value", ["\xe9\xff", "'", "x" * 5_000, "1,2,,", '"'])
def test_a_strange_header_breaks_nothing(
    client: Client, aisyah: Person, header: str, value: str
) -> None:
    body = {"username": "aisyah", "password": PASSWORD}
    answer = client.post("/api/auth/login", json=body, headers={header: value})
    assert answer.status_code == 200
    changed = client.patch(
        "/api/auth/me", json={"locale": "ms"}, headers=aisyah.headers | {header: value}
    )
    assert changed.status_code in (200, 412)


@pytest.mark.parametrize(
    "number", ["-1", "abc", "1.5", "9" * 40, "%00", "1%20OR%201=1"]
)
def test_a_strange_id_is_404(client: Client, admin: Person, number: str) -> None:
    for path in ("users", "teams", "sessions", "api-keys"):
        answer = client.delete(f"/api/auth/{path}/{number}", headers=admin.headers)
        assert answer.status_code == 404
