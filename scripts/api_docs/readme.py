"""The README's endpoint table, from the OpenAPI document. Pure."""

from itertools import groupby
from typing import Any

Document = dict[str, Any]

BEGIN = "<!-- endpoints: written by `make api-docs` -->"
END = "<!-- /endpoints -->"
METHODS = ("get", "post", "put", "patch", "delete")


def with_endpoints(readme: str, openapi: Document) -> str:
    """Return the README with its endpoint table written anew."""
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table(openapi)}\n{END}{tail}"


def table(openapi: Document) -> str:
    rows = [row(path, item) for path, item in sorted(openapi["paths"].items())]
    lines = ["| call | what it does |", "| --- | --- |"]
    for _, group in groupby(rows, key=lambda found: found[0]):
        lines += [f"| {call} | {text} |" for _, call, text in group]
    return "\n".join(lines)


def row(path: str, item: Document) -> tuple[str, str, str]:
    """Return (service part of the path, call, summaries) of one path."""
    methods = [m for m in METHODS if m in item]
    names = " ".join(m.upper() for m in methods)
    texts = (str(item[m].get("summary", "")).rstrip(".") for m in methods)
    return path.split("/")[2:3][0], f"`{names} {path}`", " · ".join(texts)
