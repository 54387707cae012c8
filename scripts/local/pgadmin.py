"""`python -m scripts.local.pgadmin FOLDER PORT`: pgAdmin in an environment of its own.

Installs it there on first use (some 600 MB), with the development account and our
server already entered. Refuses to run outside development.
"""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from scripts.local import processes
from scripts.local.processes import CannotStart
from scripts.local.settings import LocalSettings
from scripts.local.system import System

VERSION = "9.10"
EMAIL = "admin@local.test"
PASSWORD = "admin123"  # noqa: S105 - the published account of development


def install(folder: Path) -> Path:
    """Return the environment's python, made when it is not there."""
    python = folder / "bin" / "python"
    if not (folder / ".installed").exists():
        print("Installing pgAdmin (once, some minutes) …", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", f"pgadmin4>={VERSION}"],
            check=True,
        )
        (folder / ".installed").touch()
    return python


def configuration(data: Path, port: int) -> str:
    """Return `config_local.py`: listens on the loopback, keeps all below `data`."""
    return (
        f"DATA_DIR = {str(data)!r}\n"
        "SERVER_MODE = True\n"
        "DEFAULT_SERVER = '127.0.0.1'\n"
        f"DEFAULT_SERVER_PORT = {port}\n"
        # It refuses reserved domains such as .test unless they are named.
        "ALLOW_SPECIAL_EMAIL_DOMAINS = ['test', 'local']\n"
        "GLOBALLY_DELIVERABLE = False\n"
        "CHECK_EMAIL_DELIVERABILITY = False\n"
        "UPGRADE_CHECK_ENABLED = False\n"
        "MASTER_PASSWORD_REQUIRED = False\n"
    )


def servers(system: System) -> dict[str, object]:
    server = {
        "Name": "AIFF",
        "Group": "Servers",
        "Host": "127.0.0.1",
        "Port": system.settings.ports["postgres"],
        "MaintenanceDB": "aiff_db",
        "Username": "aiff",
    }
    return {"Servers": {"1": server}}


def main(arguments: Sequence[str]) -> int:
    folder, port = Path(arguments[0]).resolve(), int(arguments[1])
    settings = LocalSettings.read()
    if not settings.is_development:
        print("pgAdmin with a published password is for development only.")
        return 1
    if processes.is_taken(port):
        print(f"Port {port} is taken; PGADMIN_PORT=… make pgadmin moves it.")
        return 1
    try:
        return serve(System(settings), folder, port)
    except (CannotStart, subprocess.CalledProcessError) as problem:
        print(problem, file=sys.stderr)
        return 1


def serve(system: System, folder: Path, port: int) -> int:
    python = install(folder)
    package = next(folder.glob("lib/python*/site-packages/pgadmin4"))
    data = system.settings.var / "pgadmin"
    data.mkdir(parents=True, exist_ok=True)
    (package / "config_local.py").write_text(configuration(data, port))
    env = {
        **os.environ,
        "PGADMIN_SETUP_EMAIL": EMAIL,
        "PGADMIN_SETUP_PASSWORD": PASSWORD,
    }
    if not (data / "pgadmin4.db").exists():
        listing = data / "servers.json"
        listing.write_text(json.dumps(servers(system)))
        setup = [str(python), str(package / "setup.py")]
        subprocess.run([*setup, "setup-db"], check=True, env=env)
        subprocess.run(
            [*setup, "load-servers", str(listing), "--user", EMAIL], check=True, env=env
        )
    print(f"pgAdmin: http://localhost:{port}  {EMAIL} / {PASSWORD}")
    print(f"password of the database: {system.settings.secret('aiff')}", flush=True)
    return subprocess.run(
        [python, package / "pgAdmin4.py"], check=False, env=env
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
