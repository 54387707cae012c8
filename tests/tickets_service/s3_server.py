"""An S3 server in a process of its own, for the tests of the bucket: moto's.

moto speaks S3's protocol over HTTP; it checks no signature. `LossyWire` stands before
it and loses answers, as a network does.
"""

import http.client
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from scripts.local import processes
from tickets_service.attachment_bucket import Bucket
from tickets_service.preferences import BucketSettings


class S3Server:
    """The server while it runs; every bucket is a new one."""

    def __init__(self) -> None:
        self.port = processes.free_port()
        self.made = 0

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "moto.server", "-p", str(self.port)]
        quiet = subprocess.DEVNULL
        self.process = processes.start(command, env=dict(os.environ), output=quiet)
        up = processes.wait_until(
            lambda: processes.is_taken(self.port), seconds=60, process=self.process
        )
        assert up, "the S3 server did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        processes.end(self.process)

    def new_bucket(self) -> BucketSettings:
        self.made += 1
        settings = BucketSettings(
            endpoint_url=f"http://127.0.0.1:{self.port}",
            name=f"files-{self.made}",
            region="us-east-1",
            access_key_id="AKIDOFTESTS",
            secret_access_key="a secret of tests",
        )
        Bucket(settings).client.make_bucket(settings.name)
        return settings


class LossyWire(ThreadingHTTPServer):
    """Hands every request on; the answer to a PUT never comes back."""

    daemon_threads = True

    def __init__(self, server: S3Server) -> None:
        self.behind = server.port
        self.swallowed: list[int] = []  # statuses of the answers to PUTs
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Forward)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class Forward(BaseHTTPRequestHandler):
    server: LossyWire

    def log_message(self, *_: object) -> None:
        """Say nothing: the test shows what failed."""

    def hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind)
        behind.request(self.command, self.path, body, dict(self.headers))
        answer = behind.getresponse()
        content = answer.read()
        behind.close()
        if self.command == "PUT":
            self.server.swallowed.append(answer.status)
            self.server.over.wait(30)
            return
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_DELETE = do_HEAD = hand_on  # noqa: N815
