"""How the dashboard's files are served: strict, fresh, and nothing besides."""

import pytest
import requests

from tests.gateway.conftest import Edge


def page(gateway: Edge, path: str, **headers: str) -> requests.Response:
    return requests.get(
        gateway.dashboard_url + path,
        headers=headers,
        timeout=10,
        allow_redirects=False,
    )


@pytest.mark.parametrize("path", ["/", "/index.html", "/tickets", "/tickets/42"])
def test_a_path_of_the_dashboard_is_its_page(gateway: Edge, path: str) -> None:
    answer = page(gateway, path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "dashboard" in answer.text


def test_a_page_may_run_only_what_it_came_with(gateway: Edge) -> None:
    policy = page(gateway, "/").headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy
    assert rules["connect-src"].startswith("'self' http://localhost:")


def test_a_module_has_the_type_that_browsers_ask_for(gateway: Edge) -> None:
    answer = page(gateway, "/app.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_module_is_asked_for_again_and_third_party_parts_are_kept(
    gateway: Edge,
) -> None:
    fresh = page(gateway, "/app.js")
    assert fresh.headers["Cache-Control"] == "no-cache"
    again = page(gateway, "/app.js", **{"If-None-Match": fresh.headers["ETag"]})
    assert again.status_code == 304
    kept = page(gateway, "/vendor/chart.js")
    assert kept.headers["Cache-Control"] == "public, max-age=86400"


@pytest.mark.parametrize(
    "path", ["/missing.js", "/.secret", "/../nginx.conf", "/vendor/none.css"]
)
def test_a_file_that_is_not_there_is_missing(gateway: Edge, path: str) -> None:
    answer = page(gateway, path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_a_page_is_compressed(gateway: Edge) -> None:
    assert page(gateway, "/").headers["Content-Encoding"] == "gzip"


def test_redirects_stay_on_the_port(gateway: Edge) -> None:
    answer = page(gateway, "/vendor")
    assert answer.headers.get("Location", "/").startswith("/")


def test_the_policy_of_pages_is_not_put_on_the_api(gateway: Edge) -> None:
    answer = page(gateway, "/api/tickets", Authorization="Bearer good")
    assert answer.status_code == 200
    assert "Content-Security-Policy" not in answer.headers
    assert "Cache-Control" not in answer.headers


def test_the_health_of_the_gateway_is_told_here_too(gateway: Edge) -> None:
    assert page(gateway, "/health").json()["status"] == "ok"
