"""HTTP face of dispatch: plan a day, look at a plan, apply it."""

from typing import Any

from flask import Response, current_app, g, request
from flask_smorest import Blueprint
from sqlalchemy import insert, select, update

from ai_service.assistant.api_client import ApiClient, Call
from ai_service.dispatch.planning import optimise
from ai_service.dispatch.schemas import (
    AppliedSchema,
    ApplySchema,
    DispatchPlanSchema,
    OptimizeSchema,
)
from ai_service.dispatch.scope import request_for_day
from ai_service.views import tickets
from db.ai import DispatchPlan
from service_kit.answers import json_response, to_json
from service_kit.auth import DESK, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.errors import Conflict, Invalid, NotFound

blueprint = Blueprint("dispatch", __name__, url_prefix="/api/ai")


@blueprint.post("/optimize")
@allow(*DESK)
@blueprint.arguments(OptimizeSchema)
@blueprint.response(200, DispatchPlanSchema)
def optimize(asked: dict[str, Any]) -> Response:
    """Plan a day: the rows of a date, or the teams and tickets sent along.

    Nothing is changed; a plan of rows is kept and can be applied.
    """
    if "date" not in asked:
        return json_response(optimise(asked))
    actor, now = current_actor(), utc_now()
    tz: str = current_app.config["SETTINGS"].organisation_zone
    with read_only() as connection:
        inline, versions = request_for_day(connection, asked, actor, now, tz)
    plan = optimise(inline)
    with transaction() as connection:
        kept = current_app.json.loads(to_json(plan))
        values = {"user_id": actor.user_id, "body": kept, "versions": versions}
        made = insert(DispatchPlan).values(**values).returning(DispatchPlan.id)
        plan["plan_id"] = connection.execute(made).scalar_one()
    return json_response(plan)


def own_plan(plan_id: int) -> Any:
    """Return the caller's plan, or raise NotFound."""
    chosen = select(DispatchPlan).where(
        DispatchPlan.id == plan_id, DispatchPlan.user_id == current_actor().user_id
    )
    with read_only() as connection:
        row = connection.execute(chosen).first()
    if row is None:
        raise NotFound(f"There is no plan {plan_id}.")
    return row


@blueprint.get("/plans/<int:plan_id>")
@allow(*DESK)
@blueprint.response(200, DispatchPlanSchema)
def show_plan(plan_id: int) -> Response:
    """Show a plan of one's own."""
    row = own_plan(plan_id)
    return json_response({**row.body, "plan_id": row.id})


@blueprint.post("/plans/<int:plan_id>/apply")
@allow(*DESK)
@blueprint.arguments(ApplySchema)
@blueprint.response(200, AppliedSchema)
def apply_plan(asked: dict[str, Any], plan_id: int) -> Response:
    """Assign the chosen tickets as planned, each through the API as the caller.

    Refused with 409, and the list of them, when a chosen ticket changed since.
    """
    row = own_plan(plan_id)
    chosen = chosen_assignments(row.body["assignments"], asked["assignment_ids"])
    refuse_changed(row.versions, [one["ticket_id"] for one in chosen])
    client = ApiClient(
        current_app.config["SETTINGS"].gateway_url,
        request.headers["Authorization"],
        g.request_id,
    )
    applied, failed = [], []
    for one in (c for c in chosen if c["change"] != "kept"):
        path = f"/api/tickets/{one['ticket_id']}/assignments"
        body = {"team_id": one["team_id"], "reason": f"plan {plan_id}"}
        answer = client.send(Call("POST", path, {}, body))
        pair = {"ticket_id": one["ticket_id"], "team_id": one["team_id"]}
        if answer.ok:
            applied.append(pair)
        else:
            failed.append({**pair, "status": answer.status, "problem": answer.body})
    with transaction() as connection:
        mark = update(DispatchPlan).where(DispatchPlan.id == plan_id)
        connection.execute(mark.values(applied_at=utc_now()))
    return json_response({"plan_id": plan_id, "applied": applied, "failed": failed})


def chosen_assignments(planned: list[dict[str, Any]], ids: Any) -> list[dict[str, Any]]:
    if ids == "all":
        return planned
    by_ticket = {one["ticket_id"]: one for one in planned}
    if not isinstance(ids, list) or not ids:
        raise Invalid({"assignment_ids": 'Send "all" or a list of ticket ids.'})
    for wanted in ids:
        if isinstance(wanted, bool) or not isinstance(wanted, int):
            raise Invalid({"assignment_ids": "Each must be a ticket id."})
        if wanted not in by_ticket:
            raise Invalid({"assignment_ids": f"The plan has no ticket {wanted}."})
    return [by_ticket[wanted] for wanted in dict.fromkeys(ids)]


def refuse_changed(versions: dict[str, int], ids: list[int]) -> None:
    """Raise Conflict naming the tickets that are not as they were planned."""
    with read_only() as connection:
        rows = connection.execute(
            select(tickets.c.id, tickets.c.version).where(tickets.c.id.in_(ids))
        ).all()
    now = {row.id: row.version for row in rows}
    changed = [i for i in ids if now.get(i) != versions.get(str(i))]
    if changed:
        raise Conflict(
            "Tickets changed since the plan was made.",
            code="plan_outdated",
            changed=changed,
        )
