"""The server of our own: made safely, brought back after any death, never wiped."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from scripts.local import processes
from scripts.local.postgres import DURABLE, Cluster, candidates, find_binaries
from scripts.local.processes import CannotStart
from scripts.local.settings import PROJECT


def asked(url: str, question: str) -> object:
    connection = psycopg2.connect(url, connect_timeout=5)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            row = cursor.fetchone() if cursor.description else None
    finally:
        connection.close()
    return row[0] if row else None


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.temporary() as running:
        yield running


@pytest.fixture
def durable(folder: Path) -> Iterator[Cluster]:
    """A server that keeps its promises about the disk."""
    made = Cluster(
        folder / "postgres", processes.free_port(), "pass-word", dict(DURABLE)
    )
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("password_encryption", "scram-sha-256"),
        ("listen_addresses", "127.0.0.1"),
        ("TimeZone", "UTC"),
    ],
)
def test_the_server_is_set_up_as_promised(
    cluster: Cluster, setting: str, value: str
) -> None:
    assert asked(cluster.url, f"SELECT current_setting('{setting}')") == value


def test_letters_beyond_ascii_have_their_case(cluster: Cluster) -> None:
    assert asked(cluster.url, "SELECT upper('ß') || upper('é')") in ("ßÉ", "SSÉ")


@pytest.mark.parametrize("extension", ["pg_trgm", "btree_gist"])
def test_the_extensions_we_use_are_there(cluster: Cluster, extension: str) -> None:
    asked(cluster.url, f"CREATE EXTENSION IF NOT EXISTS {extension}")


@pytest.mark.parametrize("way", ["tcp", "socket"])
def test_nobody_gets_in_without_the_password(cluster: Cluster, way: str) -> None:
    host = "127.0.0.1" if way == "tcp" else str(cluster.socket_directory)
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(
            host=host,
            port=cluster.port,
            user="aiff",
            password="wrong",
            dbname="aiff_db",
        )


def test_the_data_is_closed_to_others(cluster: Cluster) -> None:
    mode = cluster.data.stat()
    assert stat.S_IMODE(mode.st_mode) == 0o700
    assert mode.st_uid != 0


def test_no_password_is_left_in_a_file(cluster: Cluster) -> None:
    assert not list(cluster.directory.glob("pw-*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
def test_root_does_not_run_the_server(cluster: Cluster) -> None:
    assert cluster.process is not None
    status = Path(f"/proc/{cluster.process.pid}/status").read_text()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:"))
    assert "0" not in uids.split()[1:]


def test_committed_rows_outlive_a_kill(durable: Cluster) -> None:
    durable.start()
    asked(durable.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    assert durable.process is not None
    os.kill(durable.process.pid, signal.SIGKILL)
    durable.process.wait()
    # The rest of the dead server goes when it notices; then the new one starts.
    assert processes.wait_until(lambda: starts(durable), seconds=60, every=0.3)
    assert asked(durable.url, "SELECT count(*) FROM kept") == 1000


def starts(cluster: Cluster) -> bool:
    try:
        cluster.start(subprocess.DEVNULL)
    except CannotStart:
        return False
    return True


def test_a_second_start_finds_the_same_data(durable: Cluster) -> None:
    durable.start()
    asked(durable.url, "CREATE TABLE kept AS SELECT 42 AS n")
    durable.stop()
    durable.start()
    assert asked(durable.url, "SELECT n FROM kept") == 42


def test_data_of_another_version_is_named_and_left_alone(durable: Cluster) -> None:
    durable.prepare()
    (durable.data / "PG_VERSION").write_text("11\n")
    before = sorted(path.name for path in durable.data.iterdir())
    again = Cluster(durable.directory, durable.port, durable.password)
    with pytest.raises(CannotStart, match="made by PostgreSQL 11") as refusal:
        again.start(subprocess.DEVNULL)
    assert "Nothing was changed" in str(refusal.value)
    assert "PG_BIN" in str(refusal.value)
    assert sorted(path.name for path in durable.data.iterdir()) == before


def test_data_keeps_the_server_that_made_it(folder: Path) -> None:
    known = candidates("")
    for binaries in known:
        data = folder / str(binaries.major)
        data.mkdir()
        (data / "PG_VERSION").write_text(f"{binaries.major}\n")
        assert find_binaries(data, "").major == binaries.major


def test_a_folder_that_is_no_server_is_refused(folder: Path) -> None:
    with pytest.raises(CannotStart, match="PG_BIN"):
        find_binaries(choice=str(folder))


def test_another_server_on_the_port_is_noticed(cluster: Cluster, folder: Path) -> None:
    other = Cluster(folder / "other", cluster.port, "not-its-password")
    with pytest.raises(CannotStart, match="POSTGRES_PORT"):
        other.answers()


def test_half_a_first_start_is_not_taken_for_a_database(durable: Cluster) -> None:
    durable.data.mkdir(parents=True)
    (durable.data / "something").write_text("of yours")
    with pytest.raises(CannotStart, match="not empty"):
        durable.prepare()
    assert (durable.data / "something").read_text() == "of yours"


def test_a_server_ends_with_the_program_that_started_it() -> None:
    program = (
        "import os\n"
        "from scripts.local.postgres import Cluster\n"
        "with Cluster.temporary() as cluster:\n"
        "    print(cluster.port, cluster.process.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
    )
    port, pid = (int(word) for word in done.stdout.split())
    assert processes.wait_until(lambda: not processes.born(pid), seconds=15)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders are closed to it")
def test_programs_in_a_closed_folder_are_copied_to_an_open_one(folder: Path) -> None:
    found = find_binaries(choice="embedded")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "pginstall").symlink_to(found.directory.parent)
    made = Cluster(
        folder / "postgres",
        processes.free_port(),
        "pass-word",
        choice=str(closed / "pginstall" / "bin"),
    )
    assert str(made.binaries.directory).startswith("/var/lib/aiff/")
    try:
        made.start(subprocess.DEVNULL)
        assert asked(made.url, "SELECT 1") == 1
    finally:
        made.stop()
