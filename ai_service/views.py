"""The contract views this service may read, as selectable names.

Nothing here is a table of our own: the owners may add columns, never rename or
remove one (db/views.sql). Customers' contacts are not in them.
"""

from sqlalchemy import TableClause, column, table


def view(schema: str, name: str, columns: str) -> TableClause:
    return table(name, *map(column, columns.split()), schema=schema)


tickets = view(
    "tickets",
    "ticket_facts",
    "id number title description status priority priority_rank category cause zone "
    "location lat lon team_id technician_id created_by created_at updated_at opened_at "
    "started_at completed_at closed_at estimated_minutes version reopen_count "
    "hold_reason resolution_code resolution_target_s resolution_due_at "
    "resolution_risk_at resolution_elapsed_s resolution_verdict paused_at breached_at "
    "resolution_wall_s",
)
search_texts = view("tickets", "search_facts", "ticket_id search")
visits = view(
    "tickets",
    "visit_facts",
    "id ticket_id team_id technician_id status offered_at accepted_at en_route_at "
    "on_site_at finished_at outcome_reason",
)
zones = view("tickets", "zone_directory", "id name region tz lat lon aliases is_active")
teams = view(
    "auth",
    "team_directory",
    "id name zone skills base_lat base_lon shift_start shift_end "
    "daily_capacity_minutes is_active members_count",
)
