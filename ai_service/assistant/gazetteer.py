"""Names that only the database knows: zones with their aliases, and teams.

Built from rows; a name matches as a whole phrase, the longest first. Refuses to
guess: what it does not know stays unknown, and the planner says so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

from ai_service.assistant.normalising import plain

NEAR = 0.84
LEAST_GUESSED = 5
PLACE_WORDS = ("negeri", "zone", "zon", "wp", "state of", "kawasan")
# Said of the seeded zones, beside the aliases stored with them.
SPOKEN = {
    "Kuala Lumpur": ("k.l", "k l", "kualalumpur", "kay el"),
    "Penang": ("p.pinang", "pulau penang", "p pinang"),
    "Negeri Sembilan": (
        "n.sembilan",
        "n sembilan",
        "negri sembilan",
        "n 9",
        "sembilan",
    ),
    "Johor": ("j.b", "johor bharu", "johore bahru"),
    "Melaka": ("mlka", "malaka"),
    "Selangor": ("slgor", "sel", "s'gor"),
    "Terengganu": ("trengganu", "tganu"),
    "Sarawak": ("swak", "s'wak"),
    "Kelantan": ("kltn", "kelate"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """Phrases that mean one name. pattern: any of them, the longest first."""

    by_phrase: Mapping[str, str]
    pattern: "re.Pattern[str]" = field(repr=False)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Names":
        """Build from (phrase, name); the first of equal phrases wins."""
        table: dict[str, str] = {}
        for phrase, name in pairs:
            key = spaced(phrase)
            if key:
                table.setdefault(key, name)
        longest = sorted(table, key=len, reverse=True)
        listed = "|".join(map(re.escape, longest)) or r"(?!)"
        return cls(table, re.compile(rf"(?<![\w])(?:{listed})(?![\w])"))

    def near(self, word: str) -> str | None:
        """Return the name whose phrase is nearly `word`, None if none is near."""
        if len(word) < LEAST_GUESSED:
            return None
        found = get_close_matches(word, self.by_phrase, n=1, cutoff=NEAR)
        return self.by_phrase[found[0]] if found else None


def spaced(phrase: str) -> str:
    return " ".join(re.sub(r"[_\-/,()]+", " ", plain(phrase)).split())


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Zones and teams that a caller may name. team_ids: {team name: id}."""

    zones: Names
    teams: Names
    team_ids: Mapping[str, int]
    zone_names: tuple[str, ...]

    def words(self) -> set[str]:
        both = (*self.zones.by_phrase, *self.teams.by_phrase)
        return {w for phrase in both for w in phrase.split()}


def build_gazetteer(
    zones: Iterable[tuple[str, Iterable[str]]], teams: Iterable[tuple[int, str]]
) -> Gazetteer:
    """Return the names of (zone, aliases) and (team id, name), built once for each."""
    frozen = tuple((name, tuple(aliases)) for name, aliases in zones)
    return gazetteer_of(frozen, tuple(teams))


@lru_cache(maxsize=32)
def gazetteer_of(
    zones: tuple[tuple[str, tuple[str, ...]], ...], teams: tuple[tuple[int, str], ...]
) -> Gazetteer:
    pairs = [(name, name) for name, _ in zones]
    pairs += [(alias, name) for name, aliases in zones for alias in aliases]
    known = {name for name, _ in zones}
    pairs += [(s, name) for name, said in SPOKEN.items() if name in known for s in said]
    return Gazetteer(
        zones=Names.of(pairs),
        teams=Names.of((phrase, name) for _, name in teams for phrase in said_as(name)),
        team_ids={name: team_id for team_id, name in teams},
        zone_names=tuple(sorted(known)),
    )


def said_as(name: str) -> list[str]:
    """Return how a team is called: its name, without zeros, with Malay for team."""
    base = spaced(name)
    short = re.sub(r"\b0+(\d)", r"\1", base)
    forms = [base, short]
    if short.startswith("team "):
        forms += ["pasukan " + short[5:], "crew " + short[5:]]
    elif "team" not in short.split():
        said = dict.fromkeys((base, short))
        forms += [f"{lead} {form}" for form in said for lead in ("team", "pasukan")]
        forms.append(f"{short} team")
    return forms
