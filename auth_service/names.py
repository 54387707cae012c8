"""Names of accounts, and when two of them are the same name. Pure.

A user name is kept to ASCII letters, digits and `. _ -` after Unicode
normalisation, so a Cyrillic look-alike of an existing name cannot be made at all,
and a full-width one is the name it looks like. What still looks alike in ASCII
(0 and o, 1 and l, upper and lower case) counts as one name.
"""

import re
import unicodedata

USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{1,48})[A-Za-z0-9]")
USERNAME_RULE = (
    "Must have 3 to 50 letters A-Z, digits, dots, dashes or underscores, and begin "
    "and end with a letter or digit."
)
LOOK_ALIKES = str.maketrans({"0": "o", "1": "l"})


def normalised(name: str) -> str:
    """Return `name` with compatible characters replaced by their plain form."""
    return unicodedata.normalize("NFKC", name).strip()


def is_username(name: str) -> bool:
    return USERNAME.fullmatch(name) is not None


def username_key(name: str) -> str:
    """Return what two user names that look alike have in common."""
    return normalised(name).casefold().translate(LOOK_ALIKES)


def email_key(address: str) -> str:
    return normalised(address).casefold()


def looks_like_email(name: str) -> bool:
    return "@" in name
