"""Teams against the rules of skill and zone: with a reason, or told in the history.

Every way of sending a team is tried under both values of ASSIGNMENT_RULES.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from db.engine import Database
from service_kit.settings import BadSettings
from tests.actors import add_team
from tests.conftest import settings_for
from tests.tickets_service.conftest import LEAK, Caller
from tests.tickets_service.test_import import bring
from tickets_service.app import create_app
from tickets_service.preferences import Preferences

WARN, STRICT = "warn", "require_reason"
OF_ZONE, OF_SKILL = "the team's zone is Johor", "the team lacks ftth_repair 1"
under_both = pytest.mark.parametrize("tickets_app", [WARN, STRICT], indirect=True)
strictly = pytest.mark.parametrize("tickets_app", [STRICT], indirect=True)
leniently = pytest.mark.parametrize("tickets_app", [WARN], indirect=True)


@pytest.fixture(scope="module")
def tickets_app(
    request: pytest.FixtureRequest,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Flask:
    folder = tmp_path_factory.mktemp("var")
    preferences = Preferences.from_env({"ASSIGNMENT_RULES": request.param})
    return create_app(
        settings_for("tickets", database_url, var_dir=folder), preferences
    )


@pytest.fixture
def outsiders(database: Database) -> int:
    """Return a team of another zone without the skill that a repair needs."""
    return add_team(database, "Johor", skills={"civil": 2})


def offered(who: Caller, ticket: int = 1) -> Any:
    """Return what the last event of a visit offered says beside who and when."""
    events = who.get(f"/tickets/{ticket}/history")["items"]
    return next(e for e in reversed(events) if e["kind"] == "visit.offered")["data"]


Answer = tuple[int, Any]
Way = Callable[[Caller, int, dict[str, Any]], Answer]


def by_assignment(who: Caller, team_id: int, more: dict[str, Any]) -> Answer:
    who.open_ticket()
    body = {"team_id": team_id} | more
    response = who.call("POST", "/tickets/1/assignments", json=body)
    return response.status_code, response.json


def by_put(who: Caller, team_id: int, more: dict[str, Any]) -> Answer:
    who.open_ticket()
    response = who.call("PUT", "/tickets/1", json={"team_id": team_id} | more)
    return response.status_code, response.json


def by_patch(who: Caller, team_id: int, more: dict[str, Any]) -> Answer:
    who.open_ticket()
    response = who.call("PATCH", "/tickets/1", json={"team_id": team_id} | more)
    return response.status_code, response.json


def at_creation(who: Caller, team_id: int, more: dict[str, Any]) -> Answer:
    body = LEAK | {"team_id": team_id} | more
    response = who.call("POST", "/tickets", json=body)
    return response.status_code, response.json


def in_bulk(who: Caller, team_id: int, more: dict[str, Any]) -> Answer:
    who.open_ticket()
    body = {"ids": [1], "set": {"team_id": team_id} | more}
    item = who.post("/tickets/bulk", body, 200)["items"][0]
    return (200 if item["status"] == "ok" else 422), item


WAYS = [by_assignment, by_put, by_patch, at_creation, in_bulk]
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@strictly
@every_way
def test_without_a_reason_it_is_refused_and_nothing_changes(
    dispatcher: Caller, outsiders: int, way: Way
) -> None:
    status, answer = way(dispatcher, outsiders, {})
    assert status == 422
    assert answer["code"] == "override_reason_required"
    [text] = answer["errors"]["override_reason"]
    assert OF_ZONE in text
    assert OF_SKILL in text
    for ticket in dispatcher.get("/tickets")["items"]:
        assert (ticket["team_id"], ticket["version"]) == (None, 1)


@under_both
@every_way
def test_with_a_reason_it_is_made_and_the_history_keeps_why(
    dispatcher: Caller, outsiders: int, way: Way
) -> None:
    status, answer = way(dispatcher, outsiders, {"override_reason": "storm in Johor"})
    assert status in {200, 201}, answer
    assert dispatcher.get("/tickets/1")["team_id"] == outsiders
    kept = offered(dispatcher)
    assert kept["warnings"] == [OF_ZONE, OF_SKILL]
    assert kept["override_reason"] == "storm in Johor"


@leniently
@every_way
def test_the_plain_call_of_the_contract_is_made_and_told(
    dispatcher: Caller, outsiders: int, way: Way
) -> None:
    status, answer = way(dispatcher, outsiders, {})
    assert status in {200, 201}, answer
    assert offered(dispatcher)["warnings"] == [OF_ZONE, OF_SKILL]
    assert offered(dispatcher)["override_reason"] is None


@under_both
@every_way
def test_a_team_that_fits_needs_no_reason_and_warns_of_nothing(
    dispatcher: Caller, database: Database, way: Way
) -> None:
    fitting = add_team(database, "Selangor", skills={"ftth_repair": 1})
    status, answer = way(dispatcher, fitting, {})
    assert status in {200, 201}, answer
    assert "warnings" not in offered(dispatcher)


@strictly
@pytest.mark.parametrize(
    ("way", "said", "kept"),
    [
        (by_assignment, {"reason": "nearer"}, "nearer"),
        (by_assignment, {"reason": "a", "override_reason": "b"}, "b"),
        (by_put, {"reason": "nearer"}, "nearer"),
        (by_put, {"note": "they asked for it"}, "they asked for it"),
        (by_patch, {"status": "in_progress", "note": "already there"}, "already there"),
    ],
)
def test_the_reason_or_note_of_the_call_is_one(
    dispatcher: Caller, outsiders: int, way: Way, said: dict[str, Any], kept: str
) -> None:
    status, answer = way(dispatcher, outsiders, said)
    assert status in {200, 201}, answer
    assert offered(dispatcher)["override_reason"] == kept


@strictly
def test_the_reason_of_a_hold_is_not_one(dispatcher: Caller, outsiders: int) -> None:
    body = {"status": "on_hold", "reason": "awaiting_parts"}
    status, answer = by_patch(dispatcher, outsiders, body)
    assert (status, answer["code"]) == (422, "override_reason_required")


@under_both
def test_the_answer_of_an_offer_names_the_rules_and_the_reason(
    dispatcher: Caller, outsiders: int
) -> None:
    _, made = by_assignment(dispatcher, outsiders, {"override_reason": "storm"})
    assert made["warnings"] == [OF_ZONE, OF_SKILL]
    assert made["override_reason"] == "storm"


@strictly
def test_a_team_without_skills_is_asked_for_its_zone_alone(
    dispatcher: Caller, database: Database
) -> None:
    here, there = add_team(database, "Selangor"), add_team(database, "Johor")
    assert by_assignment(dispatcher, here, {})[0] == 201
    status, answer = by_assignment(dispatcher, there, {})
    assert status == 422
    assert OF_SKILL not in answer["detail"]


@strictly
def test_an_import_tells_what_happened_elsewhere_and_needs_no_reason(
    dispatcher: Caller, outsiders: int
) -> None:
    row = f"A-1,No light,repair,Selangor,{outsiders}"
    report = bring(dispatcher, f"external_ref,title,category,zone,team_id\n{row}\n")
    assert report["created"] == 1, report
    assert offered(dispatcher)["warnings"] == [OF_ZONE, OF_SKILL]


@strictly
def test_who_may_not_send_teams_hears_that_first(
    technician: Caller, dispatcher: Caller, outsiders: int
) -> None:
    dispatcher.open_ticket()
    body = {"team_id": outsiders}
    technician.post("/tickets/1/assignments", body, 403)


@leniently
def test_a_breach_told_in_the_same_call_hides_no_warning(
    dispatcher: Caller, outsiders: int, database: Database
) -> None:
    long_ago = {"opened_at": "2020-01-06T01:00:00Z", "opened_reason": "by telephone"}
    dispatcher.open_ticket(**long_ago)
    made = dispatcher.post("/tickets/1/assignments", {"team_id": outsiders})
    assert made["warnings"] == [OF_ZONE, OF_SKILL]


def test_the_setting_is_one_of_two() -> None:
    assert Preferences.from_env({}).must_explain is False
    with pytest.raises(BadSettings, match="ASSIGNMENT_RULES"):
        Preferences.from_env({"ASSIGNMENT_RULES": "never"})
