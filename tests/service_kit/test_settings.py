"""A service refuses to start on settings that are missing or wrong."""

import pytest

from service_kit.settings import BadSettings, Settings, read_env_file

GOOD = {"DATABASE_URL": "postgresql://u:p@h/d", "AIFF_ENV": "production"}
LONG = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"DATABASE_URL": ""}, "DATABASE_URL is not set", id="no database"),
        pytest.param(
            {"DATABASE_URL": "mysql://h/d"}, "DATABASE_URL", id="not PostgreSQL"
        ),
        pytest.param(
            {"DATABASE_URL": "postgresql://h"}, "names no database", id="no name"
        ),
        pytest.param({"AIFF_ENV": "prod"}, "AIFF_ENV", id="unknown environment"),
        pytest.param({"DB_POOL_SIZE": "many"}, "DB_POOL_SIZE", id="not a number"),
        pytest.param({"DB_POOL_SIZE": "0"}, "DB_POOL_SIZE", id="out of range"),
        pytest.param({"ORG_TIMEZONE": "Mars/Base"}, "ORG_TIMEZONE", id="unknown zone"),
        pytest.param({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL", id="unknown level"),
        pytest.param({"JWT_SECRET": "short"}, "JWT_SECRET", id="short secret"),
        pytest.param(
            {"JWT_SECRET": "your-super-secret-jwt-key-change-in-production"},
            "published",
            id="published secret",
        ),
    ],
)
def test_a_bad_setting_is_named(change: dict[str, str], named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        Settings.from_env("tickets", GOOD | change)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(BadSettings, match=r"AIFF_ENV.*LOG_LEVEL"):
        Settings.from_env("tickets", GOOD | {"AIFF_ENV": "x", "LOG_LEVEL": "y"})


def test_development_may_use_a_short_secret() -> None:
    values = GOOD | {"AIFF_ENV": "development", "JWT_SECRET": "short"}
    assert Settings.from_env("tickets", values).jwt_secret == "short"


def test_a_service_may_have_a_database_url_of_its_own() -> None:
    values = GOOD | {"TICKETS_DATABASE_URL": "postgres://x:y@h/own", "JWT_SECRET": LONG}
    assert Settings.from_env("tickets", values).database_url.endswith("/own")
    assert Settings.from_env("auth", values).database_url.endswith("/d")


def test_an_env_file_is_read_like_a_shell_would(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_text("# a comment\nA=1\nB = 'two words' \n\nnonsense\n")
    assert read_env_file(path) == {"A": "1", "B": "two words"}
    assert read_env_file(path.with_name("absent")) == {}
