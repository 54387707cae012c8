"""A mapping says what it means, or is refused with the place of the mistake."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from scripts.importing.mapping import MappingError, mapping_from, read_mapping

MAPPINGS = Path(__file__).resolve().parents[3] / "docs" / "mappings"

SMALL: dict[str, Any] = {
    "name": "small",
    "time_zone": "America/New_York",
    "zones": {"country": "US"},
    "tags": [{"text": "small"}, {"template": "source:{Source}"}],
    "ticket": {
        "external_ref": "Id",
        "title": {"first": ["Title", "Type"]},
        "zone": {"column": "Area", "default": "Elsewhere"},
        "opened_at": "Opened",
        "description": "{Type} in area {Number:int}",
        "category": {
            "rules": [
                {"when": {"Type": ["*leak*", "burst"]}, "use": "emergency"},
                {"when": {"Type": "*", "Area": "North"}, "use": "inspection"},
            ],
            "default": "repair",
        },
        "priority": {"column": "Level", "values": {1: "urgent"}, "default": "low"},
    },
    "skip": [{"when": {"Title": "test*"}, "because": "a trial"}],
}
ROW = {
    "Id": " 7 ",
    "Title": "",
    "Type": "gas leak",
    "Area": "",
    "Number": "12.0",
    "Opened": "2015-01-01 00:00:00",
    "Level": "1",
    "Source": "Phone",
}


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yml")), ids=lambda p: p.stem)
def test_every_mapping_that_comes_along_can_be_read(path: Path) -> None:
    mapping = read_mapping(path)
    assert mapping.columns
    assert mapping.name


def test_values_come_from_columns_templates_and_the_first_that_is_not_empty() -> None:
    mapping = mapping_from(SMALL)
    texts = {name: read(ROW) for name, read in mapping.texts.items()}
    assert texts == {
        "external_ref": "7",
        "title": "gas leak",
        "description": "gas leak in area 12",
        "zone": "Elsewhere",
        "opened_at": "2015-01-01 00:00:00",
    }
    assert [read(ROW) for read in mapping.tags] == ["small", "source:Phone"]


@pytest.mark.parametrize(
    ("change", "category"),
    [
        pytest.param({}, "emergency", id="a pattern"),
        pytest.param({"Type": "burst"}, "emergency", id="an exact value"),
        pytest.param(
            {"Type": "crack", "Area": "North"}, "inspection", id="two columns"
        ),
        pytest.param({"Type": "crack"}, "repair", id="no rule"),
    ],
)
def test_the_first_rule_that_fits_decides(
    change: dict[str, str], category: str
) -> None:
    assert mapping_from(SMALL).choices["category"](ROW | change) == category


def test_words_come_from_a_table_of_values() -> None:
    read = mapping_from(SMALL).choices["priority"]
    assert [read(ROW), read(ROW | {"Level": "9"})] == ["urgent", "low"]


def test_the_columns_that_are_read_are_known_before_the_first_row() -> None:
    assert mapping_from(SMALL).columns == set(ROW)


def test_rows_are_left_out_for_a_reason() -> None:
    (skip,) = mapping_from(SMALL).skips
    assert skip.because == "a trial"
    assert skip.applies(ROW | {"Title": "test 1"})
    assert not skip.applies(ROW)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        pytest.param(["colour"], "red", "mapping.colour: unknown key", id="top level"),
        pytest.param(["ticket", "tilte"], "X", "ticket.tilte: unknown", id="a field"),
        pytest.param(["ticket", "zone"], None, "ticket.zone", id="an empty field"),
        pytest.param(["time_zone"], "Mars/Base", "time_zone: no such", id="time zone"),
        pytest.param(["zones", "country"], "USA", "zones.country", id="country"),
        pytest.param(
            ["ticket", "category", "default"], "fix", "is none of", id="a word"
        ),
        pytest.param(
            ["ticket", "category", "rules"],
            [{"when": {"Type": "x"}, "use": "fix"}],
            "ticket.category.rules[0].use",
            id="a rule",
        ),
        pytest.param(["ticket", "title"], {"first": "Title"}, "list", id="not a list"),
        pytest.param(
            ["ticket", "title"],
            {"column": "A", "text": "B"},
            "give one of",
            id="two kinds",
        ),
    ],
)
def test_a_mistake_is_refused_where_it_stands(
    path: list[str], value: object, message: str
) -> None:
    broken: Any = deepcopy(SMALL)
    inner = broken
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with pytest.raises(MappingError) as caught:
        mapping_from(broken)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "name", ["external_ref", "title", "zone", "opened_at", "category"]
)
def test_a_field_that_must_be_there_is_asked_for(name: str) -> None:
    broken = deepcopy(SMALL)
    del broken["ticket"][name]
    with pytest.raises(MappingError, match=rf"ticket\.{name}: is required"):
        mapping_from(broken)


def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.yml"
    path.write_text("a: [")
    with pytest.raises(MappingError, match="not YAML"):
        read_mapping(path)
    with pytest.raises(MappingError, match="No such file"):
        read_mapping(tmp_path / "none.yml")
