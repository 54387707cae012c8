"""The smallest honest Flask service: the ceiling that the real one is held against.

A verified HS256 token, one raw psycopg2 query on a kept connection, PostgreSQL
builds the JSON, the text is passed through. No visibility, events, SLA or errors.
Run by `bench.tickets` with gunicorn behind an nginx of its own.
"""

import os
import threading
from typing import Any

import jwt
import psycopg2
from flask import Flask, Response, request

SECRET = "the-ceiling-has-nothing-to-hide-from-anyone"  # noqa: S105 - not a secret
COLUMNS = (
    "id, number, title, description, status, priority, category, cause, zone, "
    "location, lat, lon, team_id, technician_id, created_by, created_at, updated_at, "
    "opened_at, "
    "started_at, completed_at, closed_at, estimated_minutes, tags, version"
)
LIST = f"""SELECT coalesce(json_agg(t), '[]')::text FROM (
    SELECT {COLUMNS} FROM tickets.tickets WHERE status = %s
    ORDER BY created_at DESC, id DESC LIMIT 50) t"""
ONE = f"""SELECT row_to_json(t)::text FROM (
    SELECT {COLUMNS} FROM tickets.tickets WHERE id = %s) t"""
COUNTS = """SELECT json_object_agg(status, n)::text FROM (
    SELECT status, count(*) n FROM tickets.tickets GROUP BY status) t"""
CREATE = """INSERT INTO public.ceiling_tickets (title, zone, category, priority)
    VALUES (%s, %s, %s, %s) RETURNING row_to_json(ceiling_tickets)::text"""
UPDATE = """UPDATE public.ceiling_tickets SET priority = %s, version = version + 1
    WHERE id = %s RETURNING row_to_json(ceiling_tickets)::text"""

app = Flask(__name__)
local = threading.local()


def row(query: str, *values: Any) -> str:
    """Return the text of the one row that the query gives."""
    if not hasattr(local, "connection"):
        local.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        local.connection.autocommit = True
    with local.connection.cursor() as cursor:
        cursor.execute(query, values)
        found: str = cursor.fetchone()[0]
        return found


def answer(text: str) -> Response:
    return Response(text, mimetype="application/json")


@app.before_request
def verify() -> None:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    jwt.decode(token, SECRET, algorithms=["HS256"])


@app.get("/tickets")
def list_tickets() -> Response:
    return answer(row(LIST, request.args["status"]))


@app.get("/tickets/<int:ticket_id>")
def get_ticket(ticket_id: int) -> Response:
    return answer(row(ONE, ticket_id))


@app.get("/counts")
def counts() -> Response:
    return answer(row(COUNTS))


@app.post("/tickets")
def create_ticket() -> Response:
    new = request.get_json()
    return answer(
        row(CREATE, new["title"], new["zone"], new["category"], new["priority"])
    )


@app.put("/tickets/<int:ticket_id>")
def update_ticket(ticket_id: int) -> Response:
    return answer(row(UPDATE, request.get_json()["priority"], ticket_id))
