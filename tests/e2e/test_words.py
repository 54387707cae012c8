"""Every sentence of the dashboard has its Bahasa Malaysia; needs no browser."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from db import vocabulary

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"
SOURCES = [
    path
    for path in [*FRONTEND.glob("*.js"), *FRONTEND.glob("pages/*.js")]
    if path.name != "ms.js"
]
LITERAL = r"'((?:[^'\\]|\\.)*)'"
# t('…'), and the tables of sentences that are translated where they are shown.
SAID = (
    re.compile(rf"\bt\({LITERAL}"),
    re.compile(rf"\bt\([^()']*\? {LITERAL} : '"),
    re.compile(rf"\btitle: {LITERAL}, icon"),
    re.compile(rf"^  \d+: {LITERAL},", re.MULTILINE),
)
ENTRY = re.compile(rf"^  {LITERAL}: {LITERAL},$", re.MULTILINE)
HOLE = re.compile(r"\{\w+\}")


def malay() -> dict[str, str]:
    return dict(ENTRY.findall((FRONTEND / "ms.js").read_text()))


def test_every_sentence_is_translated() -> None:
    said = {
        found
        for path in SOURCES
        for pattern in SAID
        for found in pattern.findall(path.read_text())
    }
    assert len(said) > 200
    assert sorted(said - malay().keys()) == []


@pytest.mark.parametrize(
    "words",
    [
        vocabulary.Status,
        vocabulary.Priority,
        vocabulary.Category,
        vocabulary.Cause,
        vocabulary.VisitStatus,
        vocabulary.HoldReason,
        vocabulary.Role,
    ],
    ids=lambda words: words.__name__,
)
def test_every_stored_word_is_translated(words: type[StrEnum]) -> None:
    spelled = dict(re.findall(rf"(\w+): {LITERAL}", spelling()))
    read = {spelled.get(w, w.replace("_", " ").capitalize()) for w in words}
    assert sorted(read - malay().keys()) == []


def spelling() -> str:
    """Return the line of kit.js that spells words which capitals alone do not."""
    kit = (FRONTEND / "kit.js").read_text()
    return next(line for line in kit.splitlines() if line.startswith("const SPELLED"))


def test_a_translation_keeps_the_holes_for_values() -> None:
    for english, translated in malay().items():
        assert sorted(HOLE.findall(english)) == sorted(HOLE.findall(translated))


def test_no_page_builds_html_from_strings() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|"
        r"new Function|DOMParser|setAttribute\('style'"
    )
    for path in SOURCES:
        assert forbidden.search(path.read_text()) is None, path.name
