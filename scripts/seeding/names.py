"""Made-up people of Malaysia's communities. No name is that of a known person.

Telephone numbers begin with a 0 after the area code, which no subscriber's does;
mail addresses are at example.com (RFC 2606).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator

MALAY_MEN = (
    "Ahmad Faizal",
    "Mohd Hafiz",
    "Amirul Hakim",
    "Azman",
    "Khairul Anuar",
    "Zulkifli",
    "Shahrul Nizam",
    "Ridzuan",
    "Farhan",
    "Iskandar",
    "Syafiq",
    "Hazwan",
)
MALAY_WOMEN = (
    "Nur Aisyah",
    "Siti Hajar",
    "Noraini",
    "Farah Nadia",
    "Aminah",
    "Rohana",
    "Nurul Izzah",
    "Zaleha",
    "Hidayah",
    "Salmah",
)
MALAY_FATHERS = (
    "Abdullah",
    "Ismail",
    "Hassan",
    "Yusof",
    "Rahman",
    "Osman",
    "Ibrahim",
    "Kamaruddin",
    "Jamaludin",
    "Sulaiman",
    "Mokhtar",
    "Che Mat",
)
CHINESE_FAMILIES = (
    "Tan",
    "Lim",
    "Lee",
    "Wong",
    "Ng",
    "Chong",
    "Ooi",
    "Teoh",
    "Yap",
    "Goh",
    "Chan",
    "Liew",
)
CHINESE_GIVEN = (
    "Wei Ming",
    "Siew Ling",
    "Kok Leong",
    "Mei Fong",
    "Chee Keong",
    "Hui Min",
    "Jia Hao",
    "Pei Shan",
    "Boon Hock",
    "Li Ying",
    "Zhi Wei",
    "Swee Lan",
)
INDIAN_MEN = ("Kumar", "Ravi", "Suresh", "Ganesan", "Prakash", "Murugan", "Vijay")
INDIAN_WOMEN = ("Priya", "Kavitha", "Letchumi", "Shanti", "Devi", "Anjali", "Malar")
INDIAN_FATHERS = (
    "Subramaniam",
    "Krishnan",
    "Raman",
    "Muthu",
    "Arumugam",
    "Nair",
    "Perumal",
)
SIKH = ("Harjit", "Gurpreet", "Manjeet", "Balwinder", "Jasbir", "Amarjit")
IBAN = ("Jugah", "Entalai", "Unggang", "Lanting", "Dayang", "Sulau")
IBAN_FATHERS = ("Jimbun", "Rentap", "Banyang", "Ngumbang", "Empiang")
KADAZAN = ("Jonivan", "Florina", "Stanly", "Rosilin", "Jeffery", "Vivian")
KADAZAN_FAMILIES = ("Gimbad", "Majalap", "Sipin", "Lojikim", "Gondoloi")

# Shares by zone, after the census, much rounded; the rest follow PENINSULA.
PENINSULA = {"malay": 0.60, "chinese": 0.27, "indian": 0.11, "sikh": 0.02}
COMMUNITIES: Mapping[str, Mapping[str, float]] = {
    "Kelantan": {"malay": 0.95, "chinese": 0.04, "indian": 0.01},
    "Terengganu": {"malay": 0.96, "chinese": 0.03, "indian": 0.01},
    "Penang": {"malay": 0.43, "chinese": 0.44, "indian": 0.11, "sikh": 0.02},
    "Kuala Lumpur": {"malay": 0.47, "chinese": 0.41, "indian": 0.10, "sikh": 0.02},
    "Sabah": {"kadazan": 0.55, "malay": 0.35, "chinese": 0.10},
    "Labuan": {"malay": 0.60, "kadazan": 0.28, "chinese": 0.12},
    "Sarawak": {"iban": 0.45, "malay": 0.31, "chinese": 0.24},
}


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    phone: str
    email: str


def person_of(zone: str, number: int, rng: Rng) -> Person:
    """Return a made-up person; `number` keeps the mail address unique."""
    shares = COMMUNITIES.get(zone, PENINSULA)
    community = pick(list(shares), rng, list(shares.values()))
    name = name_in(community, rng)
    return Person(name, phone_number(rng), f"{slug(name)}.{number}@example.com")


def name_in(community: str, rng: Rng) -> str:
    is_woman = rng.random() < 0.5
    match community:
        case "chinese":
            name = f"{pick(CHINESE_FAMILIES, rng)} {pick(CHINESE_GIVEN, rng)}"
        case "sikh":
            name = f"{pick(SIKH, rng)} {'Kaur' if is_woman else 'Singh'} Gill"
        case "iban":
            name = f"{pick(IBAN, rng)} anak {pick(IBAN_FATHERS, rng)}"
        case "kadazan":
            name = f"{pick(KADAZAN, rng)} {pick(KADAZAN_FAMILIES, rng)}"
        case "indian":
            given = pick(INDIAN_WOMEN if is_woman else INDIAN_MEN, rng)
            child_of = "a/p" if is_woman else "a/l"
            name = f"{given} {child_of} {pick(INDIAN_FATHERS, rng)}"
        case _:
            given = pick(MALAY_WOMEN if is_woman else MALAY_MEN, rng)
            child_of = "binti" if is_woman else "bin"
            name = f"{given} {child_of} {pick(MALAY_FATHERS, rng)}"
    return name


def phone_number(rng: Rng) -> str:
    """Return a number of a form that is not given to anyone."""
    area = int(rng.integers(12, 20))
    return f"+60{area}-0{int(rng.integers(10, 100))} {int(rng.integers(0, 10_000)):04d}"


def slug(name: str) -> str:
    return re.sub(r"[^a-z]+", ".", name.lower()).strip(".")


def pick(
    choices: Sequence[str], rng: Rng, shares: Sequence[float] | None = None
) -> str:
    """Return one of `choices`; shares need not sum to 1."""
    if shares is None:
        return choices[int(rng.random() * len(choices))]
    point = rng.random() * sum(shares)
    for choice, share in zip(choices, shares, strict=True):
        point -= share
        if point < 0:
            return choice
    return choices[-1]
