"""Two names that look alike are one."""

import pytest

from auth_service.names import email_key, is_username, normalised, username_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Aisyah", "aisyah", id="case"),
        pytest.param("ａｄｍｉｎ", "admin", id="full width"),
        pytest.param("ﬁbre", "fibre", id="ligature"),
        pytest.param("adm1n0", "admlno", id="digits like letters"),
    ],
)
def test_names_that_look_alike_have_one_key(one: str, other: str) -> None:
    assert username_key(one) == username_key(other)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("аdmin", id="Cyrillic a"),
        pytest.param("admin\u200b", id="zero-width space"),
        pytest.param("ad min", id="a space"),
        pytest.param("admin@home", id="an at sign"),
        pytest.param("ab", id="too short"),
        pytest.param("a" * 51, id="too long"),
        pytest.param(".admin", id="begins with a dot"),
        pytest.param("admin\x00", id="a null character"),
        pytest.param("adm\u0456n", id="Ukrainian i"),
        pytest.param("αdmin", id="Greek alpha"),
    ],
)
def test_some_names_cannot_be_made(name: str) -> None:
    assert not is_username(normalised(name))


@pytest.mark.parametrize("name", ["aisyah", "tech-01", "a.b_c", "Kumar99"])
def test_ordinary_names_can(name: str) -> None:
    assert is_username(name)


def test_the_case_of_an_address_does_not_matter() -> None:
    assert email_key(" Aisyah@Example.COM ") == "aisyah@example.com"
