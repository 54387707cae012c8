"""Write the merged OpenAPI document and the Postman collection from the code.

    python scripts/build_api_docs.py           write frontend/api-docs/*.json and README
    python scripts/build_api_docs.py --check   exit 1 if they are not up to date

The four services document themselves (flask-smorest); here their documents become
one, with the error shape, the security scheme and an example for every body.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from scripts.api_docs.merging import merged_document  # noqa: E402
from scripts.api_docs.postman import postman_collection  # noqa: E402
from scripts.api_docs.readme import with_endpoints  # noqa: E402
from service_kit.settings import Settings  # noqa: E402

SERVICES = ("auth", "tickets", "analytics", "ai")
TARGET = PROJECT / "frontend" / "api-docs"
# Building an app connects to nothing.
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"


def service_documents() -> dict[str, dict[str, Any]]:
    """Return each service's own OpenAPI document."""
    found = {}
    for service in SERVICES:
        settings = Settings(
            service=service, database_url=NO_DATABASE, log_level="ERROR"
        )
        app = import_module(f"{service}_service.app").create_app(settings)
        found[service] = app.extensions["openapi"].to_dict()
    return found


def documents() -> dict[Path, str]:
    """Return what each written file should hold."""
    openapi = merged_document(service_documents())
    readme = PROJECT / "README.md"
    return {
        TARGET / "openapi.json": as_json(openapi),
        TARGET / "postman.json": as_json(postman_collection(openapi)),
        readme: with_endpoints(readme.read_text(), openapi),
    }


def as_json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    stale = 0
    for path, content in documents().items():
        if path.exists() and path.read_text() == content:
            continue
        if "--check" in arguments:
            print(f"{path.relative_to(PROJECT)} is not up to date: make api-docs")
            stale = 1
        else:
            path.write_text(content)
            print(f"wrote {path.relative_to(PROJECT)}")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
