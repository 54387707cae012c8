"""PostgreSQL URLs in all the spellings that users have."""

import pytest

from db.urls import normalised


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"]
)
def test_every_spelling_runs_on_psycopg2(scheme: str) -> None:
    url = normalised(f"{scheme}://u:p%40ss@h:5432/d?sslmode=require")
    assert url.drivername == "postgresql+psycopg2"
    assert (url.password, url.query["sslmode"]) == ("p@ss", "require")


@pytest.mark.parametrize(
    "bad", ["", "nonsense", "mysql://h/d", "sqlite:///x", "postgres://h"]
)
def test_another_kind_of_url_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL"):
        normalised(bad)


def test_the_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(ValueError, match="DATABASE_URL") as refused:
        normalised("mysql://u:hunter2@h/d")
    assert "hunter2" not in str(refused.value)
