"""Teams: made, found, changed, deactivated; each role sees its own."""

from flask.testing import FlaskClient

from tests.actors import Person


def test_a_team_is_made_shown_and_changed(client: FlaskClient, admin: Person) -> None:
    body = {
        "name": "Selangor 1",
        "zone": "Selangor",
        "skills": ["fibre", {"name": "aerial", "level": 3}],
        "base": {"lat": 3.07, "lon": 101.52},
        "shift": {"start": "08:00", "end": "17:00"},
    }
    made = client.post("/api/auth/teams", json=body, headers=admin.headers)
    assert made.status_code == 201, made.json
    team = client.get(made.headers["Location"], headers=admin.headers)
    assert team.json == made.json
    assert team.json["skills"] == ["aerial", "fibre"]
    assert team.json["skill_levels"] == {"aerial": 3, "fibre": 1}
    listed = client.get("/api/auth/teams?skill=aerial", headers=admin.headers)
    assert [item["id"] for item in listed.json["items"]] == [made.json["id"]]
    changed = client.patch(
        made.headers["Location"],
        json={"skills": ["aerial"]},
        headers=admin.headers | {"If-Match": team.headers["ETag"]},
    )
    assert changed.status_code == 200, changed.json
    assert changed.json["skill_levels"] == {"aerial": 3}
