"""What is written down is what the code does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from scripts.build_api_docs import PROJECT, TARGET, documents

SETTING = re.compile(
    r"""env\.(?:text|required|integer|flag|one_of|items)\(\s*["']([A-Z_0-9]+)["']"""
)
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TARGET / "openapi.json").read_text())
    return found


def operations(openapi: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", item[method])
        for path, item in openapi["paths"].items()
        for method in METHODS
        if method in item
    ]


@pytest.mark.parametrize("path", ["openapi.json", "postman.json", "README.md"])
def test_a_written_document_is_up_to_date(path: str) -> None:
    wanted = {found.name: content for found, content in documents().items()}
    target = PROJECT if path == "README.md" else TARGET
    assert (target / path).read_text() == wanted[path], "run: make api-docs"


def test_the_openapi_document_is_valid(openapi: dict[str, Any]) -> None:
    validate(openapi)


def test_every_operation_says_what_it_does(openapi: dict[str, Any]) -> None:
    silent = [name for name, found in operations(openapi) if not found.get("summary")]
    assert silent == []


def test_every_json_body_has_an_example_that_fits(openapi: dict[str, Any]) -> None:
    wrong = []
    for name, operation in operations(openapi):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        media = content["application/json"]
        schema = {**media["schema"], "components": openapi["components"]}
        if list(Draft202012Validator(schema).iter_errors(media["example"])):
            wrong.append(name)
    assert wrong == []


def test_operation_ids_are_unique(openapi: dict[str, Any]) -> None:
    names = [found["operationId"] for _, found in operations(openapi)]
    assert len(names) == len(set(names))


def test_every_setting_is_written_down() -> None:
    documented = "".join(
        (PROJECT / name).read_text()
        for name in ("README.md", ".env.example", "docs/operations.md")
    ) + "".join(p.read_text() for p in PROJECT.glob("*_service/README.md"))
    read = {
        name
        for folder in ("service_kit", *(p.name for p in PROJECT.glob("*_service")))
        for path in Path(PROJECT / folder).rglob("*.py")
        for name in SETTING.findall(path.read_text())
    }
    assert read
    assert {name for name in read if name not in documented} == set()
