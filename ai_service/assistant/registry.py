"""The tools of the assistant, read once from chat_tools.json.

The file is the one list for every face of the assistant. Refuses to know how a
tool is run: that is calls.py.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

TOOLS_FILE = Path(__file__).with_name("chat_tools.json")
READ, WRITE, DIALOG = "read", "write", "dialog"


@cache
def tools() -> dict[str, dict[str, Any]]:
    """Return {name: tool as in the file}."""
    listed = json.loads(TOOLS_FILE.read_text())["tools"]
    return {tool["function"]["name"]: tool for tool in listed}


def kind_of(name: str) -> str:
    kind: str = tools()[name]["x-kind"]
    return kind


def argument_names(name: str) -> frozenset[str]:
    return frozenset(tools()[name]["function"]["parameters"]["properties"])
