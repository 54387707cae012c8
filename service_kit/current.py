"""The app, the request and its `g` themselves, for what every request runs through.

Flask's proxies find them anew for each attribute: forty times a request, which was a
fiftieth of its CPU. Elsewhere the proxies are as good.
"""

from typing import Any

from flask import Flask, Request, current_app, g, request


def this_app() -> Flask:
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return found


def this_request() -> Request:
    found: Request = request._get_current_object()  # type: ignore[attr-defined]
    return found


def this_g() -> Any:
    """Return what the parts of a request leave for each other."""
    return g._get_current_object()
