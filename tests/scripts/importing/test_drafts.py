"""A row becomes a ticket as the source tells it, or a reason why it cannot."""

from datetime import UTC, datetime

import pytest

from db.vocabulary import Status
from scripts.importing.drafts import BadRow, TicketDraft, Translator
from scripts.importing.mapping import mapping_from
from tests.scripts.importing.boston import BOSTON, row

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def draft(**changes: str) -> TicketDraft:
    return Translator(BOSTON, NOW).draft(row(**changes))


def test_a_closed_request_is_a_closed_ticket() -> None:
    found = draft()
    assert found.external_ref == "101001240736"
    assert found.status is Status.CLOSED
    assert found.opened_at == datetime(2015, 1, 1, 5, 25, 36, tzinfo=UTC)
    assert found.promised_at == datetime(2015, 1, 16, 13, 30, tzinfo=UTC)
    assert found.completed_at == found.closed_at
    assert found.team == "PWDx_Street Light Outages"
    assert found.fields["category"] == "repair"
    assert found.fields["tags"] == ["boston311", "source:citizens-connect-app"]
    assert (found.fields["lat"], found.fields["lon"]) == (42.3474, -71.0944)


def test_an_open_request_is_an_open_ticket() -> None:
    found = draft(CASE_STATUS="Open", CLOSED_DT="", TARGET_DT="")
    assert found.status is Status.OPEN
    assert found.completed_at is None
    assert found.promised_at is None


def test_a_request_without_a_neighborhood_keeps_a_zone_of_its_own() -> None:
    assert draft(neighborhood="").fields["zone"] == "Boston (no neighborhood)"


def test_a_device_that_is_seconds_behind_closes_at_the_opening() -> None:
    translator = Translator(BOSTON, NOW)
    found = translator.draft(row(CLOSED_DT="2015-01-01 00:25:00"))
    assert found.closed_at == found.opened_at
    assert translator.counts == {"clock_skew": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"OPEN_DT": ""}, "opened_at: is empty", id="no opening"),
        pytest.param({"OPEN_DT": "soon"}, "opened_at: not a time", id="not a time"),
        pytest.param({"OPEN_DT": "2035-01-01"}, "opened_at: lies in", id="the future"),
        pytest.param(
            {"CLOSED_DT": "2014-12-31 00:00:00"},
            "closed_at: lies before",
            id="closed before it was opened",
        ),
        pytest.param(
            {"TARGET_DT": "2014-12-31"}, "promised_at: lies before", id="promise"
        ),
        pytest.param({"CLOSED_DT": ""}, "closed_at: is empty", id="closed, but when"),
        pytest.param({"CASE_STATUS": "Open"}, "closed_at: is given", id="open and not"),
        pytest.param({"CASE_STATUS": "Lost"}, "status: a value", id="unknown status"),
        pytest.param({"CASE_ENQUIRY_ID": " "}, "external_ref: is empty", id="no id"),
        pytest.param({"LATITUDE": "north"}, "coordinates: not numbers", id="words"),
        pytest.param({"LATITUDE": "142.3"}, "coordinates: not on Earth", id="too far"),
    ],
)
def test_a_bad_row_says_which_field_and_why(
    changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(BadRow) as caught:
        draft(**changes)
    assert reason in str(caught.value)


def test_half_a_point_is_none_and_counted() -> None:
    translator = Translator(BOSTON, NOW)
    assert translator.draft(row(LATITUDE="")).fields["lat"] is None
    assert translator.counts == {"half_coordinates": 1}


def test_the_fingerprint_changes_with_anything_that_is_told() -> None:
    assert draft().fingerprint == draft().fingerprint
    assert draft().fingerprint != draft(CASE_TITLE="Other").fingerprint
    assert draft().fingerprint != draft(CLOSED_DT="2015-04-29 08:49:50").fingerprint
    assert draft().fingerprint == draft(fire_district="9").fingerprint


def test_a_status_may_follow_from_the_times() -> None:
    mapping = mapping_from(
        {
            "name": "plain",
            "time_zone": "UTC",
            "zones": {"country": "MY"},
            "ticket": {
                "external_ref": "id",
                "title": "id",
                "zone": {"text": "Here"},
                "opened_at": "opened",
                "completed_at": "done",
                "closed_at": "closed",
                "category": {"rules": [], "default": "repair"},
            },
        }
    )
    base = {"id": "1", "opened": "2020-01-01", "done": "", "closed": ""}

    def status(**changes: str) -> Status:
        return Translator(mapping, NOW).draft(base | changes).status

    assert status() is Status.OPEN
    assert status(done="2020-01-02") is Status.COMPLETED
    assert status(done="2020-01-02", closed="2020-01-03") is Status.CLOSED
