"""How gunicorn runs a service: `gunicorn -c python:service_kit.gunicorn_conf …`.

Every value has a setting of its own, so nothing here needs to be edited. Refuses to
listen beyond the loopback by itself: the container says BIND_ADDRESS=0.0.0.0.
"""

import gc
import importlib
import os
import select
from pathlib import Path
from typing import Any

# The workers share their figures in this folder; it must be there before they load.
if shared := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    Path(shared).mkdir(parents=True, exist_ok=True)

# Requests and workers are the parallelism; threads inside a product of matrices only
# get in their way. Read by numpy when it is loaded, which comes later.
os.environ.setdefault("OMP_NUM_THREADS", "1")

host = os.environ.get("BIND_ADDRESS") or "127.0.0.1"
bind = os.environ.get("GUNICORN_BIND") or f"{host}:{os.environ.get('PORT', '8000')}"

# Ours needs Linux; elsewhere gunicorn's own does the same with more effort.
OURS = "service_kit.gunicorn_worker.TurnsWorker"
worker_class = OURS if hasattr(select, "epoll") else "gthread"
workers = int(os.environ.get("GUNICORN_WORKERS") or 2)
threads = int(os.environ.get("GUNICORN_THREADS") or 4)
worker_connections = 200

# The gateway closes idle connections after 60 s: it must be the first to do so.
keepalive = 75
timeout = int(os.environ.get("GUNICORN_TIMEOUT") or 60)
graceful_timeout = 10
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# The gateway speaks for the client; nobody else reaches us: by the loopback only, or by
# the network of the containers. Who asks is not looked up for each request.
forwarded_allow_ips = "*"

# Requests are logged by service_kit.tracing, as JSON with their request id.
accesslog = None
errorlog = "-"
loglevel = (os.environ.get("LOG_LEVEL") or "info").lower()

# Newer versions open a socket for commands; nothing here gives any. Older ones
# pass over a name they do not know.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Load the service's modules once, before its workers are forked.

    They share what was loaded, and a new worker is there at once. The app itself is
    made in each worker: no connection and no thread is ever shared.
    """
    importlib.import_module(server.app.app_uri.partition(":")[0])
    gc.collect()
    gc.freeze()
    # A request leaves hardly any cycle, and looking for them took 4 % of its CPU.
    gc.set_threshold(50_000, 20, 20)


def child_exit(_server: Any, worker: Any) -> None:
    """Take a worker that ended out of the shared figures."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
