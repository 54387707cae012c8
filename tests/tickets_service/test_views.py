"""Saved views: one's own to change, shared ones to use."""

from typing import Any

import pytest

from tests.tickets_service.conftest import As, Caller

LATE = {"name": "Late", "filters": {"sla_state": "breached", "sort": "due_at"}}


def test_a_view_is_saved_and_selects_what_its_filters_say(dispatcher: Caller) -> None:
    response = dispatcher.call("POST", "/views", json=LATE)
    view: Any = response.json
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/views/{view['id']}"
    assert view["filters"] == LATE["filters"]
    assert (view["is_shared"], view["owner_id"]) == (False, dispatcher.user_id)
    query = "&".join(f"{k}={v}" for k, v in view["filters"].items())
    assert dispatcher.get(f"/tickets?{query}")["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"filters": {}}, "name"),
        ({"name": "x"}, "filters"),
        ({"name": "", "filters": {}}, "name"),
        ({"name": "x", "filters": {"colour": "red"}}, "filters.colour"),
        ({"name": "x", "filters": {"status": "lost"}}, "filters.status"),
        ({"name": "x", "filters": {}, "owner_id": 1}, "owner_id"),
        ({"name": "x" * 101, "filters": {}}, "name"),
        ({"name": "a\x00b", "filters": {}}, "name"),
    ],
)
def test_what_the_list_would_refuse_cannot_be_saved(
    dispatcher: Caller, body: dict[str, Any], field: str
) -> None:
    errors = dispatcher.post("/views", body, 422)["errors"]
    assert [name for name in errors if name.startswith(field)]


def test_a_name_is_ones_own_once(dispatcher: Caller, requester: Caller) -> None:
    dispatcher.post("/views", LATE)
    assert dispatcher.post("/views", LATE, 409)["code"] == "name_taken"
    requester.post("/views", LATE)
    other = dispatcher.post("/views", LATE | {"name": "Other"})
    renamed = dispatcher.patch(f"/views/{other['id']}", {"name": "Late"}, 409)
    assert renamed["code"] == "name_taken"


def test_only_shared_views_are_seen_by_others(
    dispatcher: Caller, requester: Caller
) -> None:
    mine = dispatcher.post("/views", LATE)
    shared = dispatcher.post("/views", LATE | {"name": "All", "is_shared": True})
    assert [v["id"] for v in requester.get("/views")["items"]] == [shared["id"]]
    requester.get(f"/views/{mine['id']}", 404)
    assert requester.get(f"/views/{shared['id']}")["owner"].startswith("dispatcher-")


def test_only_the_owner_changes_a_view(
    dispatcher: Caller, as_role: As, admin: Caller
) -> None:
    view = dispatcher.post("/views", LATE | {"is_shared": True})
    path = f"/views/{view['id']}"
    for who in (as_role("manager"), admin):
        who.patch(path, {"name": "Mine"}, 403)
    assert as_role("manager").call("DELETE", path).status_code == 403
    changed = dispatcher.patch(path, {"filters": {"q": "ont"}})
    assert (changed["name"], changed["filters"]) == ("Late", {"q": "ont"})
    dispatcher.patch(path, {"filters": {"limit": "many"}}, 422)
    assert admin.call("DELETE", path).status_code == 204
    dispatcher.get(path, 404)


def test_an_admin_does_not_remove_what_is_private(
    dispatcher: Caller, admin: Caller
) -> None:
    view = dispatcher.post("/views", LATE)
    assert admin.call("DELETE", f"/views/{view['id']}").status_code == 404


def test_a_stale_version_is_refused(dispatcher: Caller) -> None:
    path = f"/views/{dispatcher.post('/views', LATE)['id']}"
    tag = {"If-Match": dispatcher.call("GET", path).headers["ETag"]}
    dispatcher.patch(path, {"name": "newer"}, headers=tag)
    dispatcher.patch(path, {"name": "older"}, 412, headers=tag)
    assert dispatcher.call("DELETE", path, headers=tag).status_code == 412


def test_views_come_in_pages(dispatcher: Caller) -> None:
    for n in range(3):
        dispatcher.post("/views", LATE | {"name": str(n)})
    first = dispatcher.get("/views?limit=2")
    rest = dispatcher.get(f"/views?limit=2&cursor={first['page']['next']}")
    names = [v["name"] for page in (first, rest) for v in page["items"]]
    assert (names, rest["page"]["next"]) == (["0", "1", "2"], None)
