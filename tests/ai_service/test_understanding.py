"""Understanding: words, periods, slots, plans. No database, no network."""

from datetime import date

import pytest

from ai_service import evaluation
from ai_service.assistant import registry
from ai_service.assistant.arguments import BUILDERS
from ai_service.assistant.intents import IntentModel, load_or_train
from ai_service.assistant.normalising import Speller, distance, words_of
from ai_service.assistant.periods import bounds, find_periods
from ai_service.assistant.planner import Planner
from ai_service.assistant.plans import Memory

TODAY = date(2026, 11, 23)  # a Monday


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return load_or_train(None)


@pytest.fixture(scope="module")
def planner(model: IntentModel) -> Planner:
    return Planner(model, evaluation.names(), TODAY)


@pytest.mark.parametrize(
    ("text", "symbol", "start", "end"),
    [
        ("tickets today", "today", "2026-11-23", "2026-11-24"),
        ("hari ini", "today", "2026-11-23", "2026-11-24"),
        ("semalam", "yesterday", "2026-11-22", "2026-11-23"),
        ("minggu lepas", "last_week", "2026-11-16", "2026-11-23"),
        ("last month", "last_month", "2026-10-01", "2026-11-01"),
        ("suku tahun lepas", "last_quarter", "2026-07-01", "2026-10-01"),
        ("last 7 days", "last_7_days", "2026-11-17", "2026-11-24"),
        ("dua minggu lalu", "last_14_days", "2026-11-10", "2026-11-24"),
        ("14 hari akan datang", "next_14_days", "2026-11-23", "2026-12-07"),
        ("from 1 nov to 12 nov", "2026-11-01/2026-11-13", "2026-11-01", "2026-11-13"),
        ("1 hingga 12 november", "2026-11-01/2026-11-13", "2026-11-01", "2026-11-13"),
        ("in november", "2026-11-01/2026-12-01", "2026-11-01", "2026-12-01"),
        ("bulan disember 2025", "2025-12-01/2026-01-01", "2025-12-01", "2026-01-01"),
        ("q3 2026", "2026-07-01/2026-10-01", "2026-07-01", "2026-10-01"),
        ("2026-11-01", "2026-11-01/2026-11-02", "2026-11-01", "2026-11-02"),
        ("tahun ini", "this_year", "2026-01-01", "2027-01-01"),
    ],
)
def test_a_period_is_read_in_both_languages(
    text: str, symbol: str, start: str, end: str
) -> None:
    (found,) = find_periods(text, TODAY)
    assert found.symbol == symbol
    assert bounds(symbol, TODAY) == (date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize("text", ["show ticket 45", "may i see tickets"])
def test_what_is_no_period_is_none(text: str) -> None:
    assert find_periods(text, TODAY) == []


def test_short_forms_are_written_out() -> None:
    text = "brp tiket yg blm siap kat KL hr ni?"
    text_of = "berapa tiket yang belum siap di kl hari ini"
    assert words_of(text) == text_of.split()


@pytest.mark.parametrize(
    ("word", "corrected"),
    [
        ("tickt", "ticket"),
        ("selesi", "selesai"),
        ("open", "open"),
        ("zzzzzz", "zzzzzz"),
    ],
)
def test_a_mistyped_word_is_led_to_the_vocabulary(word: str, corrected: str) -> None:
    speller = Speller(["ticket", "selesai", "open"])
    assert speller.corrected(word) == corrected


def test_neighbours_swapped_count_as_one_error() -> None:
    assert distance("tiket", "itket") == 1


def test_every_tool_that_reads_or_writes_can_be_planned() -> None:
    planned = set(BUILDERS) | {"clarify", "none", "confirm", "cancel"}
    assert planned == set(registry.tools())


def test_arguments_are_those_of_the_registry(planner: Planner) -> None:
    for question in evaluation.questions():
        plan = planner.plan(question.text, Memory(focus="CTT_9"))
        assert set(plan.arguments) <= registry.argument_names(plan.tool), question.text


def test_the_evaluation_set_is_large_and_in_both_languages() -> None:
    asked = list(evaluation.questions())
    assert len(asked) >= 300
    assert {q.language for q in asked} == {"en", "ms"}


def test_understanding_keeps_above_its_floor(model: IntentModel) -> None:
    judged = evaluation.judge_all(model)
    for language in ("en", "ms"):
        asked = [j for j in judged if j.question.language == language]
        assert sum(j.right_tool for j in asked) / len(asked) >= 0.92
        assert sum(j.exact for j in asked) / len(asked) >= 0.92
    may = [j for j in judged if j.question.tool != "none"]
    assert sum(j.plan.tool == "none" for j in may) / len(may) <= 0.02


def test_the_same_message_gets_the_same_plan(planner: Planner) -> None:
    plans = [planner.plan("tiket urgent di KL bulan ini", Memory()) for _ in range(3)]
    assert plans[0] == plans[1] == plans[2]


@pytest.mark.parametrize(
    "message",
    ["", " ", "?", "💥", "a" * 2000, "%%%", "\u202e123", "' OR 1=1 --", "{{7*7}}"],
)
def test_odd_messages_are_planned_without_a_crash(
    planner: Planner, message: str
) -> None:
    assert planner.plan(message, Memory()).tool in registry.tools()
