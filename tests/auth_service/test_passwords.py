"""Which passwords are good enough, and what hashing them costs."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from auth_service.passwords import Hasher, check_password, common_passwords
from service_kit.errors import Invalid


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("short", id="short"),
        pytest.param("x" * 129, id="too long"),
        pytest.param("1234567890", id="digits in a row"),
        pytest.param("Password123", id="common, with a capital"),
        pytest.param("aaaaaaaaaaaa", id="one letter"),
        pytest.param("abababababab", id="two letters"),
        pytest.param("aisyah.rahman", id="the user name"),
        pytest.param("Aisyah@Example.com", id="the address"),
        pytest.param("ｐａｓｓｗｏｒｄ１２３", id="common, full width"),
    ],
)
def test_a_password_that_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_password(password, names=("aisyah.rahman", "aisyah@example.com"))
    assert caught.value.code == "weak_password"
    assert password not in caught.value.detail


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "fieldforce-dev", "kata laluan saya 77", "ünïcödé-wörds"],
)
def test_length_is_enough(password: str) -> None:
    check_password(password)


def test_the_list_ships_with_the_service() -> None:
    assert len(common_passwords()) > 2_000


def test_a_hash_costs_what_owasp_asks_for() -> None:
    hasher = Hasher()
    made = hasher.hash("correct horse battery")
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.matches(made, "correct horse battery")
    assert not hasher.matches(made, "correct horse batterY")
    assert not hasher.is_outdated(made)


def test_nobody_is_in_without_a_hash() -> None:
    assert not Hasher().matches(None, "nobody has this password")


def test_both_ways_to_type_an_accent_are_one_password() -> None:
    hasher = Hasher()
    made = hasher.hash("caf\u00e9 au lait")
    assert hasher.matches(made, "cafe\u0301 au lait")


def test_no_more_than_so_many_hash_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Hasher(at_once=2)
    made = hasher.stand_in
    running, most = 0, 0
    guard = threading.Lock()

    class Watched:
        def verify(self, *_: str) -> bool:
            nonlocal running, most
            with guard:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.02)
            with guard:
                running -= 1
            return True

    monkeypatch.setattr(hasher, "argon2", Watched())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: hasher.matches(made, "x"), range(16)))
    assert most == 2
