"""Run the benchmarks: `python -m bench [name …] [--tickets N] [--seconds S]`.

A module of this package with a `run(options)` is a benchmark; it prints its table
and returns figures, which are kept in bench/results/<name>.json.
"""

import argparse
import json
import pkgutil
from importlib import import_module
from pathlib import Path

import bench

RESULTS = Path(__file__).parent / "results"


def benchmarks() -> dict[str, object]:
    found: dict[str, object] = {}
    for module in pkgutil.iter_modules(bench.__path__):
        if not module.name.startswith("_"):
            loaded = import_module(f"bench.{module.name}")
            if hasattr(loaded, "run"):
                found[module.name] = loaded
    return found


def main() -> None:
    known = benchmarks()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of: {', '.join(known)}"
    )
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=4.0, help="per measurement")
    parser.add_argument("--rounds", type=int, default=3, help="the median is quoted")
    options = parser.parse_args()
    for name in options.names or known:
        if name not in known:
            parser.error(
                f"there is no benchmark {name!r}; there are: {', '.join(known)}"
            )
        figures = known[name].run(options)  # type: ignore[attr-defined]
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
