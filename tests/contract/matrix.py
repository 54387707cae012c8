"""The matrix role x endpoint x scope: from the live routes, and from the page.

`python -m tests.contract.matrix` writes the table of docs/domain.md anew; what
the routes say has then to be looked at by a person before it is committed.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp

from db.vocabulary import Role
from tests.contract.services import SERVICES, Route, make_app, routes_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "domain.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
ROLES = tuple(role.value for role in Role)
MAY, MAY_NOT = "✓", "·"

Matrix = dict[str, tuple[str, tuple[str, ...]]]  # {"GET /x": (scope, roles)}


def matrix_of(routes: Iterable[Route]) -> Matrix:
    """Return what the guards of the routes say; public ones are not in it."""
    return {
        route.name: (route.scope or "", tuple(r for r in ROLES if r in route.roles))
        for route in sorted(routes, key=place)
        if route.roles is not None
    }


def place(route: Route) -> tuple[int, str, str]:
    return SERVICES.index(route.service), route.path, route.method


def written_matrix() -> Matrix:
    """Return what the page says."""
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line.strip("| \n").split("|") for line in table.splitlines()]
    found: Matrix = {}
    for cells in rows:
        if len(cells) != len(ROLES) + 2 or "`" not in cells[0]:
            continue
        name, scope, *marks = (cell.strip(" `") for cell in cells)
        roles = zip(ROLES, marks, strict=True)
        found[name] = (scope, tuple(role for role, mark in roles if mark == MAY))
    return found


def table_of(matrix: Matrix) -> str:
    lines = [
        f"| call | scope of a key | {' | '.join(ROLES)} |",
        f"| --- | --- |{' :-: |' * len(ROLES)}",
    ]
    for name, (scope, roles) in matrix.items():
        marks = " | ".join(MAY if role in roles else MAY_NOT for role in ROLES)
        lines.append(f"| `{name}` | `{scope}` | {marks} |")
    return "\n".join(lines)


def main() -> int:
    url = "postgresql://nobody@127.0.0.1:1/none"  # the routes need no database
    folder = Path(mkdtemp())
    routes = [r for s in SERVICES for r in routes_of(make_app(s, url, folder))]
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    table = table_of(matrix_of(routes))
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
