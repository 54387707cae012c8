"""One running system for all tests of the platform that do not break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield the system as `make run` starts it, on free ports."""
    with Stack.started(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that the server's account may enter."""
    for path in (tmp_path, *tmp_path.parents):
        if len(path.parts) > 2 and path.owner() == Path(tmp_path).owner():
            path.chmod(path.stat().st_mode | 0o011)
    return tmp_path
