"""A load equals the API: same rows, same figures, and its events rebuild it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from db.engine import Database
from db.scope import Actor
from db.vocabulary import Role, Via, Visibility, VisitStatus
from tests.tickets_service.conftest import Caller
from tickets_service.bulk_load import Loader, Story
from tickets_service.commands import MoveTicket, MoveVisit, OfferVisit
from tickets_service.lifecycle import Action

KL = ZoneInfo("Asia/Kuala_Lumpur")
START = datetime(2026, 10, 5, 1, tzinfo=UTC)
BOSS = Actor(1, Role.ADMIN)


def live(loader: Loader, n: int) -> Story:
    at = START + timedelta(minutes=7 * n)
    fields = {
        "title": f"Fault {n}\twith a tab",
        "zone": ("Selangor", "Johor", "Perak")[n % 3],
        "category": "repair",
        "priority": ("urgent", "high", "medium", "low")[n % 4],
        "tags": ("a b", 'say "hi"'),
        "estimated_minutes": 60,
    }
    story = loader.open(fields, Actor(2, Role.REQUESTER), at)
    visit_id = loader.visit_id()
    story.do(OfferVisit(visit_id, team_id=1 + n % 5), BOSS, at + timedelta(minutes=5))
    if n % 3:
        for minutes, status in ((20, "accepted"), (60, "on_site"), (150, "done")):
            move = MoveVisit(visit_id, VisitStatus(status))
            story.do(move, BOSS, at + timedelta(minutes=minutes))
        story.comment(BOSS, "Done, @aminah", Visibility.PUBLIC, at + timedelta(hours=3))
    if n % 6 == 1:
        story.do(MoveTicket(Action.REOPEN), BOSS, at + timedelta(days=2))
    return story


def load(database: Database, tickets: int) -> None:
    with database.transaction() as connection:
        loader = Loader(connection, KL, Via.SEED)
        for n in range(tickets):
            live(loader, n)
        assert loader.close() == tickets


def test_loaded_tickets_are_counted_like_opened_ones(
    database: Database, dispatcher: Caller
) -> None:
    load(database, 60)
    found = dispatcher.get("/tickets/stats/summary")
    listed = dispatcher.get("/tickets?limit=200")["items"]
    assert found["total"] == len(listed) == 60
    assert found["by_status"]["completed"] == sum(
        t["status"] == "completed" for t in listed
    )
    assert found["overdue"] == sum(t["sla"]["state"] == "breached" for t in listed)
    assert found["by_zone"] == {"Selangor": 20, "Johor": 20, "Perak": 20}
    walls = sorted(
        (
            datetime.fromisoformat(t["completed_at"])
            - datetime.fromisoformat(t["opened_at"])
        ).total_seconds()
        / 60
        for t in listed
        if t["completed_at"]
    )
    assert found["median_resolution_minutes"] == walls[len(walls) // 2]


def test_numbers_go_on_after_a_load(
    database: Database, dispatcher: Caller, team_id: int
) -> None:
    load(database, 3)
    ticket = dispatcher.open_ticket()
    assert ticket["id"] == 4
    assert dispatcher.get("/tickets/2")["tags"] == ["a b", 'say "hi"']
    assert dispatcher.post("/tickets/4/assignments", {"team_id": team_id})["id"] > 3
    assert dispatcher.get("/tickets/2/comments")["items"][0]["mentions"] == ["aminah"]


def test_a_ticket_given_up_leaves_no_gap(
    database: Database, dispatcher: Caller
) -> None:
    with database.transaction() as connection:
        loader = Loader(connection, KL)
        live(loader, 0)
        loader.discard(live(loader, 1))
        live(loader, 2)
        loader.close()
    assert [t["id"] for t in dispatcher.get("/tickets?sort=number")["items"]] == [1, 2]
