"""Passwords: which are good enough, and argon2id, a few at a time.

Hashing costs what OWASP asks for at least (19 MiB, 2 passes, 1 lane) and no more
than `hashes_at_once` run in a process, so that a rush of logins cannot starve
everything else. No composition rules: length and a list of common ones.
"""

import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from service_kit.errors import Invalid, TooMany

T = TypeVar("T")

MIN_CHARS, MAX_CHARS = 10, 128
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
WAIT_S = 10.0
NICENESS = 10
COMMON_FILE = Path(__file__).parent / "common_passwords.txt"


@cache
def common_passwords() -> frozenset[str]:
    """Return the shipped list, lower case; only those of MIN_CHARS or more."""
    lines = COMMON_FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def normalised(password: str) -> str:
    """Return the password in one Unicode form, whatever keyboard typed it."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, names: tuple[str, ...] = ()) -> None:
    """Raise Invalid if `password` is too short, too long, common or the name itself.

    names: user name, e-mail … of its owner; none of them may be the password.
    """
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        text = f"Must have {MIN_CHARS} to {MAX_CHARS} characters."
        raise Invalid({"password": text}, code="weak_password")
    plain = normalised(password).casefold()
    if plain in common_passwords() or len(set(plain)) < 4:
        text = "Is one of the passwords that are tried first; choose another."
        raise Invalid({"password": text}, code="weak_password")
    if plain in {normalised(name).casefold() for name in names if name}:
        text = "Must not be your name or e-mail address."
        raise Invalid({"password": text}, code="weak_password")


class Hasher:
    """Hashes and verifies, at most `at_once` at a time in this process.

    In threads of lower priority, so that a rush of logins waits for the requests
    of those who are in, and not the other way round.
    """

    def __init__(self, at_once: int = 1) -> None:
        self.argon2 = PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self.threads = ThreadPoolExecutor(at_once, "hash", stand_back)
        self.stand_in = self.argon2.hash("nobody has this password")

    def hash(self, password: str) -> str:
        return self.in_turn(lambda: self.argon2.hash(normalised(password)))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` made the hash; as much work for None, which is False."""
        if len(password) > MAX_CHARS:
            password = ""  # nobody has it; costs the same as any other
        stored = password_hash or self.stand_in
        found = self.in_turn(lambda: self.verifies(stored, normalised(password)))
        return found and password_hash is not None

    def verifies(self, stored: str, password: str) -> bool:
        try:
            return self.argon2.verify(stored, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other figures than today's."""
        return self.argon2.check_needs_rehash(password_hash)

    def in_turn(self, work: Callable[[], T]) -> T:
        """Do `work` when its turn has come; raises TooMany if it does not come."""
        doing = self.threads.submit(work)
        try:
            return doing.result(WAIT_S)
        except TimeoutError:
            doing.cancel()
            raise TooMany("Too many logins at once.", retry_after_s=5) from None


def stand_back() -> None:
    """Lower the priority of this thread, where the system lets us."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
