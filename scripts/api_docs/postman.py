"""A Postman collection (v2.1) from the OpenAPI document. Pure."""

import json
import re
from typing import Any

Document = dict[str, Any]
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
METHODS = ("get", "post", "put", "patch", "delete")
# After a login the token is kept for all other requests.
KEEP_TOKEN = ["pm.collectionVariables.set('token', pm.response.json().access_token);"]


def postman_collection(openapi: Document) -> Document:
    """Return the collection: a folder per tag, a request per operation."""
    folders: dict[str, list[Document]] = {}
    for path, item in sorted(openapi["paths"].items()):
        for method in METHODS:
            if method in item:
                operation = item[method]
                folder = (operation.get("tags") or ["other"])[0]
                folders.setdefault(folder, []).append(
                    request_of(method, path, operation)
                )
    return {
        "info": {"name": openapi["info"]["title"], "schema": SCHEMA},
        "auth": {
            "type": "bearer",
            "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}],
        },
        "variable": [
            {"key": "base", "value": "http://localhost:8085"},
            {"key": "token", "value": ""},
        ],
        "item": [
            {"name": name, "item": items} for name, items in sorted(folders.items())
        ],
    }


def request_of(method: str, path: str, operation: Document) -> Document:
    parts = [re.sub(r"^{(.+)}$", r":\1", part) for part in path.strip("/").split("/")]
    request: Document = {
        "method": method.upper(),
        "header": [],
        "url": {
            "raw": "{{base}}/" + "/".join(parts),
            "host": ["{{base}}"],
            "path": parts,
        },
        "description": operation.get("summary", ""),
    }
    content = (
        operation.get("requestBody", {}).get("content", {}).get("application/json")
    )
    if content:
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        request["body"] = {
            "mode": "raw",
            "raw": json.dumps(content.get("example", {}), indent=1),
        }
    found: Document = {"name": f"{method.upper()} {path}", "request": request}
    if path == "/api/auth/login":
        request["auth"] = {"type": "noauth"}
        found["event"] = [
            {
                "listen": "test",
                "script": {"type": "text/javascript", "exec": KEEP_TOKEN},
            }
        ]
    return found
