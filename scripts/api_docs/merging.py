"""One OpenAPI 3.1 document out of four. Pure: documents in, document out."""

import re
from typing import Any

from scripts.api_docs.examples import with_examples

Document = dict[str, Any]

SECURITY = "bearer"
PUBLIC_CODES = (
    "400",
    "404",
    "405",
    "413",
    "415",
    "422",
    "429",
    "500",
    "502",
    "503",
    "504",
)
TITLES = {
    "400": "The body cannot be read",
    "401": "No token, or not a good one",
    "403": "The role or the key may not do this",
    "404": "Absent, or not visible to the caller",
    "405": "The path does not know the method",
    "409": "The state does not allow it",
    "412": "Stale If-Match",
    "413": "Too large",
    "415": "Not JSON",
    "422": "Invalid; `errors` names the fields",
    "429": "Too many requests; see Retry-After",
    "500": "A fault on our side",
    "502": "The service did not answer",
    "503": "Not available right now; see Retry-After",
    "504": "The service took too long",
    "507": "The disk of the database is full",
}
PROBLEM: Document = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable, for programs to branch on."},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "object",
            "description": "On 422: messages by field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "allowed": {
            "type": "array",
            "items": {"type": "string"},
            "description": "On illegal_transition: the moves open now.",
        },
    },
}
METHODS = ("get", "post", "put", "patch", "delete", "head")


def merged_document(parts: dict[str, Document]) -> Document:
    """Return one document for the gateway. parts: {service: its document}."""
    whole: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": "AIFF — AI Field Force",
            "version": "1",
            "description": "Tickets, visits, SLA, analytics and dispatch.",
        },
        "servers": [{"url": "http://localhost:8085", "description": "The gateway"}],
        "security": [{SECURITY: []}],
        "tags": [],
        "paths": {},
        "components": {
            "schemas": {"Problem": PROBLEM},
            "securitySchemes": {
                SECURITY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of /api/auth/login, or an API key.",
                }
            },
        },
    }
    for service, part in parts.items():
        add_part(whole, renamed(part, service, whole["components"]["schemas"]))
    return with_examples(whole)


def renamed(part: Document, service: str, taken: Document) -> Document:
    """Return `part` with schema names that do not clash with those `taken`."""
    own = part.get("components", {}).get("schemas", {})
    clashes = {n for n in own if n in taken and own[n] != taken[n]}
    if not clashes:
        return part
    prefix = service.capitalize()

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: walk(v) for k, v in value.items()}
        if isinstance(value, list):
            return [walk(v) for v in value]
        if isinstance(value, str) and value.startswith("#/components/schemas/"):
            name = value.rsplit("/", 1)[1]
            return f"#/components/schemas/{prefix}{name}" if name in clashes else value
        return value

    moved: Document = walk(part)
    schemas = moved["components"]["schemas"]
    for name in clashes:
        schemas[f"{prefix}{name}"] = schemas.pop(name)
    return moved


def add_part(whole: Document, part: Document) -> None:
    schemas = part.get("components", {}).get("schemas", {})
    for name in ("Error", "PaginationMetadata"):
        schemas.pop(name, None)
    whole["components"]["schemas"].update(schemas)
    known = {t["name"] for t in whole["tags"]}
    whole["tags"] += [t for t in part.get("tags", []) if t["name"] not in known]
    for path, item in part["paths"].items():
        if not path.startswith("/internal/"):
            whole["paths"][path] = finished(path, item)


def finished(path: str, item: Document) -> Document:
    """Return a path item with an operation id, its errors and its security."""
    for method in METHODS:
        if method in item:
            operation = item[method]
            operation.setdefault("operationId", operation_id(method, path))
            add_errors(operation, method, path)
    return item


def operation_id(method: str, path: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", path.removeprefix("/api/")).strip("_")
    return f"{method}_{words}"


def add_errors(operation: Document, method: str, path: str) -> None:
    responses = operation["responses"]
    responses.pop("default", None)
    if "security" not in operation and is_public(path, method):
        operation["security"] = []
    codes = (
        set(PUBLIC_CODES)
        if operation.get("security") == []
        else {*PUBLIC_CODES, "401", "403"}
    )
    if method != "get":
        codes |= {"401", "403", "409", "412", "507"}
    else:
        codes.discard("415")
    for code in sorted(codes):
        told = responses.get(code, {}).get("description", TITLES[code])
        body = {"schema": {"$ref": "#/components/schemas/Problem"}}
        responses[code] = {
            "description": told,
            "content": {"application/problem+json": body},
        }


def is_public(path: str, method: str) -> bool:
    """Whether a call needs no token (the services' @public views under /api)."""
    return path.startswith(
        ("/api/auth/login", "/api/auth/register", "/api/auth/refresh", "/.well-known")
    ) or (method == "post" and path.startswith("/api/auth/password/"))
