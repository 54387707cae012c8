"""The words that the assistant can explain: those of phrases, lexicon and grammar.

What is in none of them makes a message doubtful; what is nearly one is corrected.
"""

from collections.abc import Mapping
from functools import lru_cache

from ai_service.assistant import lexicon
from ai_service.assistant.intents import IntentModel
from ai_service.assistant.lexicon import phrases
from ai_service.assistant.normalising import Speller
from ai_service.assistant.periods import (
    DAYS,
    MONTHS,
    NAMED,
    NUMBER_WORDS,
    UNITS,
    WEEKDAYS,
)

FILLERS = frozenset(
    "the a an for in on of to at please ones one tickets ticket tiket jobs kes yang di untuk "
    "dalam pada bagi sahaja only then now is are me and dan or atau from dari priority "
    "keutamaan zone zon with dengan it them ones' team pasukan status what about by ikut "
    "mengikut per with pula juga too also instead category kategori state negeri as well "
    "created dicipta show list".split()
)
SLOT_WORDS = frozenset(
    w
    for table in (
        lexicon.METRIC_PHRASES,
        lexicon.RANK_PHRASES,
        lexicon.SORT_PHRASES,
        lexicon.GROUP_WORDS,
    )
    for text in table.values()
    for phrase in phrases(text)
    for w in phrase.split()
) | frozenset(w for p in phrases(lexicon.OVERDUE) for w in p.split())


TIME_WORDS = frozenset(
    w
    for table in (MONTHS, WEEKDAYS, NUMBER_WORDS, UNITS, DAYS, NAMED)
    for phrase in table
    for w in phrase.split()
) | frozenset(
    "situation rundown stuff things sitting currently kindly just quick quickly actually "
    "really anything something someone moment around overall total tolonglah sekejap "
    "older than more over least longer exceeding beyond above lebih daripada melebihi "
    "sekurang-kurangnya umur usia within masa jam minit hour hours minute minutes coming "
    "upcoming previous past current semasa since sejak before sebelum until hingga between "
    "antara lepas lalu depan hadapan akan datang terakhir kebelakangan ago old during".split()
)


@lru_cache(maxsize=4)
def known_words(model: IntentModel) -> frozenset[str]:
    """Return every word that phrases or lexicon explain."""
    spoken = set(model.vocabulary) | set(FILLERS) | SLOT_WORDS
    spoken |= lexicon.MALAY_MARKS | lexicon.ENGLISH_MARKS | TIME_WORDS
    for value in vars(lexicon).values():
        texts = value.values() if isinstance(value, Mapping) else [value]
        for text in texts:
            if isinstance(text, str):
                spoken |= {w for p in phrases(text) for w in p.split()}
    return frozenset(spoken)


@lru_cache(maxsize=4)
def speller_of(model: IntentModel) -> Speller:
    return Speller(w for w in known_words(model) if not is_mark(w))


def is_mark(word: str) -> bool:
    return word in MARKS


MARKS = frozenset(
    "zticket zzone zteam zperiod zstatus zprio zcat zage zwindow zmine zunassigned "
    "zrecommended zref".split()
)
