"""What the local run refuses to be told, and what it makes of the rest."""

import os
import stat
from pathlib import Path

import pytest

from scripts.local.nginx import Limit, cors_lines, fill_in
from scripts.local.processes import CannotStart
from scripts.local.settings import LocalSettings

NO_FILE = {"AIFF_ENV_FILE": os.devnull}


def test_without_settings_the_documented_ports_are_used() -> None:
    ports = LocalSettings.read(NO_FILE).ports
    assert ports == {
        "gateway": 8085,
        "dashboard": 8080,
        "auth": 8000,
        "tickets": 8001,
        "analytics": 8002,
        "ai": 8003,
        "postgres": 5432,
    }


@pytest.mark.parametrize("given", ["0", "70000", "-1", "http", "80 80"])
def test_a_port_that_is_none_is_named(given: str) -> None:
    with pytest.raises(CannotStart, match="GATEWAY_PORT"):
        LocalSettings.read({**NO_FILE, "GATEWAY_PORT": given})


def test_two_parts_on_one_port_are_named() -> None:
    with pytest.raises(CannotStart, match="DASHBOARD_PORT and GATEWAY_PORT"):
        LocalSettings.read({**NO_FILE, "DASHBOARD_PORT": "8085"})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("GATEWAY_PORT=9001\nDASHBOARD_PORT=9002\n")
    settings = LocalSettings.read(
        {"AIFF_ENV_FILE": str(file), "DASHBOARD_PORT": "9003"}
    )
    assert settings.ports["gateway"] == 9001
    assert settings.ports["dashboard"] == 9003


def test_a_secret_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = LocalSettings.read({**NO_FILE, "AIFF_VAR_DIR": str(tmp_path)})
    made = settings.secret("aiff")
    assert len(made) >= 32
    assert settings.secret("aiff") == made
    assert settings.secret("aiff_auth") != made
    mode = stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode)
    assert mode == 0o600


def test_the_dashboard_is_an_allowed_origin_by_default() -> None:
    origins = LocalSettings.read(NO_FILE).cors_origins
    assert origins == ["http://localhost:8080", "http://127.0.0.1:8080"]


@pytest.mark.parametrize(
    "origin", ['http://a"; return 200 "x', "ftp://a.test", "a.test", "http://a.test/x"]
)
def test_what_is_no_origin_never_reaches_the_configuration(origin: str) -> None:
    with pytest.raises(CannotStart, match="CORS_ORIGINS"):
        cors_lines([origin])


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"API_RATE": "fast"}, "API_RATE"),
        ({"API_RATE": "0r/s"}, "API_RATE"),
        ({"API_RATE": "1r/s; x"}, "API_RATE"),
        ({"API_BURST": "-1"}, "API_BURST"),
    ],
)
def test_a_limit_that_is_none_is_named(values: dict[str, str], named: str) -> None:
    with pytest.raises(CannotStart, match=named):
        Limit.read(values, "API", "50r/s", 100)


@pytest.mark.parametrize(
    ("rate", "seconds"), [("10r/m", 6), ("50r/s", 1), ("60r/m", 1), ("7r/m", 9)]
)
def test_the_wait_is_until_one_more_is_let_through(rate: str, seconds: int) -> None:
    assert Limit(rate, 0).wait_seconds == seconds


def test_a_name_that_nobody_fills_in_is_an_error() -> None:
    assert fill_in("listen ${AIFF_PORT}; $uri", {"AIFF_PORT": "1"}) == "listen 1; $uri"
    with pytest.raises(KeyError):
        fill_in("${AIFF_UNKNOWN}", {})
