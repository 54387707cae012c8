"""The files that only other programs read: checked by those programs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.local import processes
from scripts.local.nginx import TEMPLATES, Gateway, _wheel_program, fill_in
from scripts.local.settings import PORTS, PROJECT, SERVICES, LocalSettings

NAMED = ["gateway", "auth", "tickets", "analytics", "ai", "postgres", "pgadmin"]
TOOLS = Path(sys.executable).parent
BASE = ["docker-compose.yml"]
DEVELOPMENT = [*BASE, "docker-compose.override.yml"]


def compose_program() -> Path:
    """Return the program of the pinned package; its wrapper hides failures."""
    import importlib.util

    spec = importlib.util.find_spec("compose")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "docker-compose"


def composed(files: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    named = [argument for file in files for argument in ("-f", file)]
    return subprocess.run(
        [compose_program(), *named, "--env-file", os.devnull, "config"],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **settings},
    )


def services(files: list[str]) -> dict[str, dict[str, object]]:
    done = composed(files, POSTGRES_PASSWORD="of-the-test")
    assert done.returncode == 0, done.stderr
    known: dict[str, dict[str, object]] = yaml.safe_load(done.stdout)["services"]
    return known


def test_compose_accepts_the_files_and_knows_the_documented_names() -> None:
    assert {*NAMED, "migrate", "worker"} <= set(services(DEVELOPMENT))


def environment_of(files: list[str], name: str, **settings: str) -> dict[str, str]:
    done = composed(files, **settings)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = yaml.safe_load(done.stdout)["services"][name]["environment"]
    return found


def test_the_database_has_no_password_of_its_own_outside_development() -> None:
    # PostgreSQL's image refuses to make a database with an empty one.
    assert environment_of(BASE, "postgres")["POSTGRES_PASSWORD"] == ""
    assert environment_of(BASE, "auth")["AIFF_ENV"] == "production"


def test_development_has_the_documented_accounts() -> None:
    assert environment_of(DEVELOPMENT, "postgres") | {"POSTGRES_INITDB_ARGS": ""} == {
        "POSTGRES_USER": "aiff",
        "POSTGRES_PASSWORD": "aiffpass",
        "POSTGRES_DB": "aiff_db",
        "POSTGRES_INITDB_ARGS": "",
    }
    url = "postgresql://aiff:aiffpass@postgres:5432/aiff_db"
    for name in ("auth", "tickets", "analytics", "ai", "worker", "migrate", "seed"):
        known = environment_of(DEVELOPMENT, name)
        assert known["DATABASE_URL"] == url, name
        assert known["AIFF_ENV"] == "development", name
    pgadmin = environment_of(DEVELOPMENT, "pgadmin")
    assert pgadmin["PGADMIN_DEFAULT_EMAIL"] == "admin@local.test"
    assert pgadmin["PGADMIN_DEFAULT_PASSWORD"] == "admin123"


def test_a_password_of_ones_own_reaches_everyone() -> None:
    for files in (BASE, DEVELOPMENT):
        for name in ("auth", "worker", "migrate"):
            known = environment_of(files, name, POSTGRES_PASSWORD="of-mine")
            assert "aiff:of-mine@postgres" in known["DATABASE_URL"]


def test_outside_development_only_the_gateway_is_reachable() -> None:
    known = services(BASE)
    assert "pgadmin" not in known
    assert "seed" not in known
    assert [name for name in known if known[name].get("ports")] == ["gateway"]
    text = str(known)
    for published in ("admin123", "aiffpass", "admin@local.test", "fieldforce-dev"):
        assert published not in text


def test_development_publishes_on_this_machine_only() -> None:
    for name, service in services(DEVELOPMENT).items():
        ports = service.get("ports") or []
        assert isinstance(ports, list)
        assert all(port["host_ip"] == "127.0.0.1" for port in ports), name


@pytest.mark.parametrize("name", [*NAMED, "worker", "migrate"])
def test_a_container_is_held_in(name: str) -> None:
    service = services(DEVELOPMENT)[name]
    assert service["restart"] in ("unless-stopped", "no")
    assert service["mem_limit"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "healthcheck" in service
    if name != "pgadmin":
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_the_database_keeps_its_data_where_version_18_wants_it() -> None:
    volumes = services(BASE)["postgres"]["volumes"]
    assert isinstance(volumes, list)
    assert volumes[0]["target"] == "/var/lib/postgresql"


def test_the_dockerfile_is_in_order() -> None:
    done = subprocess.run(
        [TOOLS / "hadolint", "Dockerfile"],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_images_get_what_the_program_is_made_of_and_nothing_else() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE)
    allowed = (PROJECT / ".dockerignore").read_text().splitlines()
    assert allowed[1] == "*"
    for source in copied:
        assert (PROJECT / source).exists(), source
        assert any(source.startswith(line[1:]) for line in allowed if line[:1] == "!")
    assert not any(word in allowed for word in ("!.env", "!var", "!.git"))


def local_gateway(folder: Path) -> Gateway:
    ports = {setting: str(processes.free_port()) for setting, _ in PORTS.values()}
    settings = LocalSettings.read({**ports, "AIFF_ENV_FILE": os.devnull})
    gateway = Gateway(settings, folder, processes.unprivileged_account())
    gateway.write()
    return gateway


def accepts(program: Path | str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, "-t", "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"],
        check=False,
        capture_output=True,
        text=True,
    )


def test_nginx_accepts_the_local_configuration(folder: Path) -> None:
    program = local_gateway(folder).command()[0]
    done = accepts(program, folder)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def container_values(**settings: str) -> subprocess.CompletedProcess[str]:
    """Run the container's script as its image does; its names, each ended by a zero."""
    script = PROJECT / "nginx" / "docker" / "15-gateway.envsh"
    return subprocess.run(
        ["/bin/sh", "-c", f". {script}; env -0"],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **settings},
    )


def test_nginx_accepts_the_configuration_of_the_container(folder: Path) -> None:
    wheel = _wheel_program()
    assert wheel is not None
    done = container_values(
        GATEWAY_RUN=str(folder),
        GATEWAY_STATIC=str(PROJECT / "nginx" / "static"),
        GATEWAY_FRONTEND=str(PROJECT / "frontend"),
        GATEWAY_TEMPLATES=str(TEMPLATES),
        GATEWAY_LISTEN=str(processes.free_port()),
        DASHBOARD_LISTEN=str(processes.free_port()),
        CORS_ORIGINS="http://localhost:8080, https://aiff.example.org",
    )
    assert done.returncode == 0, done.stderr
    known = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    for template in TEMPLATES.glob("*.template"):
        text = fill_in(template.read_text(), known)
        (folder / template.name.removesuffix(".template")).write_text(text)
    accepted = accepts(wheel, folder)
    assert accepted.returncode == 0, accepted.stderr
    text = (folder / "nginx.conf").read_text()
    assert '"https://aiff.example.org" $http_origin;' in text
    assert "server tickets:8001 resolve max_fails=0;" in text


def test_container_and_local_run_fill_in_the_same_names(folder: Path) -> None:
    done = container_values(GATEWAY_RUN=str(folder), GATEWAY_TEMPLATES=str(TEMPLATES))
    names = {line.split("=", 1)[0] for line in done.stdout.split("\0")}
    known = local_gateway(folder).placeholders()
    assert {n for n in names if n.startswith("AIFF_")} == set(known)
    values = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    for name in known:
        if re.search("RATE|BURST|LIMIT|WAIT|POLICY|SIZE", name):
            assert values[name] == known[name], name


@pytest.mark.parametrize(
    "settings",
    [
        {"CORS_ORIGINS": 'http://a"; return 200 "x'},
        {"API_RATE": "1r/s; x"},
        {"LOGIN_BURST": "many"},
        {"IMPORT_MAX_SIZE": "1g; x"},
        {"GATEWAY_URL": "http://a'; x"},
    ],
)
def test_the_container_refuses_what_would_change_its_configuration(
    settings: dict[str, str], folder: Path
) -> None:
    done = container_values(
        GATEWAY_RUN=str(folder), GATEWAY_TEMPLATES=str(TEMPLATES), **settings
    )
    assert done.returncode != 0
    assert "gateway:" in done.stderr


def test_the_gateway_has_no_known_weakness(folder: Path) -> None:
    local_gateway(folder)
    # A cache of opened files would show a developer yesterday's page.
    skipped = "try_files_is_evil_too"
    done = subprocess.run(
        [TOOLS / "gixy", "--skips", skipped, "-l", folder / "nginx.conf"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "No issues found" in done.stdout, done.stdout + done.stderr


def test_the_makefile_lists_its_targets() -> None:
    done = subprocess.run(
        ["make", "help"], check=True, capture_output=True, text=True, cwd=PROJECT
    )
    for target in ("run", "stop", "test", "seed", "up", "down", "backup", "bench"):
        assert re.search(rf"^  {target} ", done.stdout, re.MULTILINE), target


def test_every_pin_has_a_hash_and_no_address() -> None:
    for part in ("base", "local", "dev"):
        text = (PROJECT / "requirements" / f"{part}.txt").read_text()
        pins = re.findall(r"^[a-z0-9][^\n]*==[^\n]*$", text, re.MULTILINE)
        assert pins
        assert all(pin.endswith("\\") for pin in pins)
        assert "://" not in text


def settings_read() -> set[str]:
    """Return the names of all settings that the program asks the environment for.

    Not those of headers, which stand in the environment of a request.
    """
    asked = re.compile(
        r"""(?:env\.(?:text|integer|flag|items|one_of|required)\(\s*"""
        r"""|(?<!request\.)environ(?:\.get)?[\[(]\s*|values\.get\(\s*)"(?!HTTP_)([A-Z][A-Z_]{3,})\""""
    )
    folders = ("service_kit", "scripts/local", *(f"{n}_service" for n in SERVICES))
    return {
        name
        for folder in folders
        for path in (PROJECT / folder).rglob("*.py")
        for name in asked.findall(path.read_text())
    } | {setting for setting, _ in PORTS.values()}


def test_every_setting_stands_in_the_example_file() -> None:
    told = set(
        re.findall(
            r"^(?:# )?([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE
        )
    )
    # Set by whoever starts a service, not by a person.
    inner = {
        "GUNICORN_BIND", "PORT", "PROMETHEUS_MULTIPROC_DIR", "POSTGRES_DURABLE",
        "NO_COLOR", "PATH",
    }  # fmt: skip
    assert settings_read() - inner - told == set()
