"""`python main.py` inside a service: that service alone, for development.

Behind the gateway CORS is the gateway's; here, without it, it is Flask-CORS's.
"""

import os
import sys
from collections.abc import Callable

from flask import Flask
from flask_cors import CORS

from service_kit.settings import PROJECT, BadSettings, Env, Settings, read_env_file

CreateApp = Callable[[Settings], Flask]


def serve_alone(service: str, create_app: CreateApp, default_port: int) -> None:
    """Run one service on its port until Ctrl-C; exit with 2 on bad settings."""
    values = {
        **read_env_file(PROJECT / "var" / "run.env"),
        **read_env_file(PROJECT / ".env"),
        **os.environ,
    }
    env = Env(values)
    port = env.integer(
        f"{service.upper()}_SERVICE_PORT", default_port, low=1, high=65_535
    )
    try:
        env.check()
        settings = Settings.from_env(service, {"AIFF_ENV": "development", **values})
    except BadSettings as error:
        sys.exit(f"{service}: {error}")
    app = create_app(settings)
    CORS(
        app,
        origins=list(settings.cors_origins),
        expose_headers=["ETag", "Location", "Link"],
    )
    app.run(host="127.0.0.1", port=port, threaded=True)
