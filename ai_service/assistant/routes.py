"""HTTP face of the assistant."""

from collections.abc import Iterator
from threading import Lock
from typing import Any

from flask import Response, current_app, g, request
from flask_smorest import Blueprint

from ai_service import queries
from ai_service.assistant import memory as memories
from ai_service.assistant.api_client import ApiClient
from ai_service.assistant.calls import Setting
from ai_service.assistant.dialogue import (
    Turn,
    answer_message,
    finished,
    language_of,
    run_proposal,
)
from ai_service.assistant.gazetteer import build_gazetteer
from ai_service.assistant.intents import IntentModel, intent_model
from ai_service.assistant.planner import Planner
from ai_service.assistant.schemas import ChatAnswerSchema, ChatRequestSchema
from service_kit.answers import json_response, to_json
from service_kit.auth import EVERYONE, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import transaction
from service_kit.idempotency import never_stored

blueprint = Blueprint("assistant", __name__, url_prefix="/api/ai")
_training = Lock()


def trained_model() -> IntentModel:
    """Return the model, trained once however many ask at the same time."""
    folder = current_app.config["SETTINGS"].var_dir / "models"
    with _training:
        return intent_model(folder)


@blueprint.post("/chat")
@allow(*EVERYONE)
@blueprint.arguments(ChatRequestSchema)
@blueprint.response(200, ChatAnswerSchema)
@never_stored
def chat(asked: dict[str, Any]) -> Response:
    """Answer a question from the caller's own view of the data, or propose a change.

    Nothing is written by a message alone: a change is proposed, and happens when the
    same user confirms it within five minutes.
    """
    answer = chat_turn(asked)
    if "text/event-stream" in request.headers.get("Accept", ""):
        return Response(events(answer), mimetype="text/event-stream")
    return json_response(answer)


def chat_turn(asked: dict[str, Any]) -> dict[str, Any]:
    """Carry one turn out, from the row of the conversation and back to it."""
    actor, now = current_actor(), utc_now()
    with transaction() as connection:
        kept = memories.open_conversation(
            connection, asked.get("conversation_id"), actor.user_id, now
        )
        zones = queries.zone_places(connection)
        teams = [(t.id, t.name) for t in queries.team_rows(connection, actor)]
    names = build_gazetteer([(z.name, z.aliases) for z in zones.values()], teams)
    settings = current_app.config["SETTINGS"]
    setting = Setting(now, settings.organisation_zone, actor, names)
    message = asked.get("message", "")
    fallback = asked.get("locale") or kept.state.get("language") or actor.locale
    turn = Turn(
        client=ApiClient(
            settings.gateway_url,
            request.headers["Authorization"],
            g.request_id,
            current_app._get_current_object(),  # type: ignore[attr-defined]
        ),
        setting=setting,
        state=kept.state,
        language=language_of(message, fallback),
        team_names=dict(teams),
    )
    turn.state["language"] = turn.language
    if "confirm" in asked:
        answer = confirmed(turn, kept.id, asked["confirm"])
    else:
        planner = Planner(trained_model(), names, setting.today)
        answer = answer_message(turn, planner, message)
        if answer["plan"]["tool"] == "confirm":
            answer = confirmed(turn, kept.id, None)
    with transaction() as connection:
        memories.save_turn(
            connection, kept.id, turn.state, (message, answer), utc_now()
        )
    return {"conversation_id": kept.id, **answer}


def confirmed(turn: Turn, conversation_id: int, token: str | None) -> dict[str, Any]:
    """Take the pending proposal out of the row, then carry it out."""
    now, user_id = turn.setting.now, turn.setting.actor.user_id
    with transaction() as connection:
        fresh = memories.open_conversation(connection, conversation_id, user_id, now)
        kept = memories.take_proposal(connection, fresh, token, now)
    if kept is not None:
        turn.state.pop("proposal", None)
    plan, reply = run_proposal(turn, kept)
    return finished(turn, plan, reply)


def events(answer: dict[str, Any]) -> Iterator[bytes]:
    """Yield the answer as server-sent events: its lines, then the whole."""
    for line in answer["reply"].splitlines(keepends=True):
        yield b"event: delta\ndata: " + to_json({"text": line}) + b"\n\n"
    yield b"event: answer\ndata: " + to_json(answer) + b"\n\n"
