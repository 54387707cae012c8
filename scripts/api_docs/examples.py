"""Examples for every request body, made from its schema. Pure and deterministic."""

from typing import Any

Document = dict[str, Any]

BY_NAME: dict[str, Any] = {
    "username": "aminah",
    "email": "aminah@example.com",
    "password": "a-long-passphrase",
    "full_name": "Aminah binti Yusof",
    "title": "No light at the ONT",
    "description": "LOS lamp red since this morning.",
    "zone": "Selangor",
    "zones": ["Selangor"],
    "category": "repair",
    "priority": "high",
    "location": "12 Jalan Kemajuan, Petaling Jaya",
    "message": "How many tickets are open in Selangor?",
    "name": "Selangor 01",
    "label": "night import",
    "scopes": ["tickets:read"],
    "body": "Splice replaced, power level -18 dBm.",
    "reason": "customer_absent",
    "tz": "Asia/Kuala_Lumpur",
    "lat": 3.07,
    "lon": 101.52,
    "url": "https://example.com/hooks/aiff",
}
BY_FORMAT = {
    "date-time": "2026-10-05T02:00:00Z",
    "date": "2026-10-05",
    "email": "a@example.com",
    "uri": "https://example.com",
    "time": "08:00",
    "uuid": "0" * 32,
}
DEEPEST = 6


def with_examples(whole: Document) -> Document:
    """Return the document with an example in every JSON request body that lacks one."""
    schemas = whole["components"]["schemas"]
    for item in whole["paths"].values():
        for operation in item.values():
            if not isinstance(operation, dict):
                continue
            content = operation.get("requestBody", {}).get("content", {})
            media = content.get("application/json")
            if media and not {"example", "examples"} & set(media):
                media["example"] = example_of(media["schema"], schemas)
    return whole


def example_of(
    schema: Document, schemas: Document, name: str = "", depth: int = 0
) -> Any:
    """Return a value that fits `schema`: its own example, else one by name and kind."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    given = own_example(schema)
    if given is not None:
        return given
    for key in ("allOf", "anyOf", "oneOf"):
        if schema.get(key):
            return example_of(schema[key][0], schemas, name, depth)
    kind = schema.get("type")
    kind = (
        next((k for k in kind if k != "null"), "null")
        if isinstance(kind, list)
        else kind
    )
    if kind == "object" or "properties" in schema:
        return example_object(schema, schemas, depth)
    if kind == "array":
        inner = schema.get("items", {})
        return BY_NAME.get(name) or [example_of(inner, schemas, name, depth + 1)]
    return example_scalar(schema, kind, name)


def own_example(schema: Document) -> Any:
    if "example" in schema:
        return schema["example"]
    if schema.get("examples"):
        return schema["examples"][0]
    words = [w for w in schema.get("enum", []) if w is not None]
    return words[0] if words else None


def example_object(schema: Document, schemas: Document, depth: int) -> Document:
    if depth >= DEEPEST:
        return {}
    required = schema.get("required", [])
    wanted = required or list(schema.get("properties", {}))[:3]
    inner = schema.get("properties", {})
    return {n: example_of(inner.get(n, {}), schemas, n, depth + 1) for n in wanted}


def example_scalar(schema: Document, kind: str | None, name: str) -> Any:
    if name in BY_NAME:
        return BY_NAME[name]
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    least = schema.get("minimum", 1)
    by_kind = {"integer": max(1, int(least)), "number": float(least), "boolean": True}
    return by_kind.get(kind or "", "text")
