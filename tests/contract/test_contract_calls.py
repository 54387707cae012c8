"""Every call that the API promises exists; and the OpenAPI documents name each."""

import re

import pytest
from flask import Flask

from tests.contract.services import SERVICES, Route

PROMISED = """
POST /api/auth/register
POST /api/auth/login
POST /api/auth/refresh
POST /api/auth/logout
GET /api/auth/me
PATCH /api/auth/me
POST /api/auth/password
GET /api/auth/users
POST /api/auth/users
GET /api/auth/users/{}
PATCH /api/auth/users/{}
DELETE /api/auth/users/{}
GET /api/auth/sessions
DELETE /api/auth/sessions/{}
GET /api/auth/api-keys
POST /api/auth/api-keys
DELETE /api/auth/api-keys/{}
GET /api/auth/teams
POST /api/auth/teams
GET /api/auth/teams/{}
PATCH /api/auth/teams/{}
DELETE /api/auth/teams/{}
GET /api/auth/teams/{}/members
GET /api/auth/audit
GET /api/zones
GET /api/tickets
POST /api/tickets
GET /api/tickets/{}
PUT /api/tickets/{}
PATCH /api/tickets/{}
DELETE /api/tickets/{}
GET /api/tickets/{}/transitions
POST /api/tickets/{}/transitions
GET /api/tickets/{}/assignments
POST /api/tickets/{}/assignments
GET /api/assignments
PATCH /api/assignments/{}
GET /api/tickets/{}/comments
POST /api/tickets/{}/comments
PATCH /api/tickets/{}/comments/{}
DELETE /api/tickets/{}/comments/{}
GET /api/tickets/{}/attachments
POST /api/tickets/{}/attachments
GET /api/tickets/{}/attachments/{}
GET /api/tickets/{}/history
GET /api/tickets/{}/sla
POST /api/tickets/{}/sla/what-if
POST /api/sla/preview
GET /api/sla/calendars
POST /api/sla/calendars
GET /api/sla/policies
POST /api/sla/policies
POST /api/sla/policies/{}/reprice
GET /api/tickets/stats/summary
POST /api/tickets/bulk
POST /api/tickets/import
GET /api/tickets/export
GET /api/tickets/changes
GET /api/tickets/stream
GET /api/webhooks
POST /api/webhooks
GET /api/webhooks/{}/deliveries
POST /api/webhooks/{}/test
GET /api/views
POST /api/views
PATCH /api/views/{}
DELETE /api/views/{}
GET /api/analytics/performance
GET /api/analytics/trends
GET /api/analytics/forecast
GET /api/analytics/zones
GET /api/analytics/zones/{}
GET /api/analytics/aging
GET /api/analytics/sla
GET /api/analytics/metrics
POST /api/ai/recommendations
GET /api/ai/insights
GET /api/ai/sla-risk
GET /api/ai/similar
POST /api/ai/optimize
POST /api/ai/plans/{}/apply
POST /api/ai/chat
GET /api/ai/models
"""


def without_names(route: str) -> str:
    return re.sub(r"<[^>]+>|\{[^}]+\}", "{}", route)


def test_every_promised_call_exists(routes: list[Route]) -> None:
    there = {without_names(route.name) for route in routes}
    missing = [call for call in PROMISED.split("\n") if call and call not in there]
    assert missing == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_of_a_service_names_every_route_under_api(
    apps: dict[str, Flask], routes: list[Route], service: str
) -> None:
    document = apps[service].extensions["openapi"].to_dict()
    named = {
        without_names(f"{method.upper()} {path}")
        for path, operations in document["paths"].items()
        for method in operations
    }
    there = {
        without_names(route.name)
        for route in routes
        if route.service == service and route.path.startswith("/api/")
    }
    assert there - named == set()
