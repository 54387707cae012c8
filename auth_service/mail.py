"""Mail through the configured SMTP server; in development, a log line and a file.

Sent after the commit and beside the request, so that neither a slow server nor the
time it takes tells anyone whether an address is known.
"""

import logging
import re
import smtplib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

from auth_service.letters import Letter, reset_text
from auth_service.preferences import Preferences
from service_kit.clock import utc_now
from service_kit.settings import Settings

TIMEOUT_S = 10
MOST_WAITING = 100
log = logging.getLogger(__name__)


class Post:
    """Sends mail the way the settings say."""

    def __init__(self, settings: Settings, preferences: Preferences) -> None:
        self.preferences = preferences
        self.writes_files = not preferences.smtp_host and (
            settings.environment in ("development", "test")
        )
        self.folder = settings.var_dir / "mail"
        self.line = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")
        self.room = threading.BoundedSemaphore(MOST_WAITING)

    def later(self, work: Callable[[], None]) -> None:
        """Do `work` after this request; dropped when far too much is waiting."""
        if not self.room.acquire(blocking=False):
            log.error("mail not sent: too many are waiting")
            return
        self.line.submit(self.do, work)

    def do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # the request is long answered
            log.exception("mail not sent")
        finally:
            self.room.release()

    def send_reset(self, letter: Letter, dashboard_url: str) -> None:
        subject, body = reset_text(letter, dashboard_url)
        self.send(letter.to, subject, body)

    def send(self, to: str, subject: str, body: str) -> None:
        """Hand over one message; failures are logged, never raised."""
        message = EmailMessage()
        message["From"] = self.preferences.mail_from
        message["To"] = to
        message["Subject"] = subject
        message.set_content(body)
        if self.writes_files:
            self.write(message)
        elif self.preferences.smtp_host:
            self.later(lambda: self.deliver(message))
        else:
            log.error("mail not sent: SMTP_HOST is not set")

    def deliver(self, message: EmailMessage) -> None:
        p = self.preferences
        try:
            with smtplib.SMTP(p.smtp_host, p.smtp_port, timeout=TIMEOUT_S) as server:
                if p.smtp_starttls:
                    server.starttls()
                if p.smtp_user:
                    server.login(p.smtp_user, p.smtp_password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException):
            log.exception("mail not sent")

    def write(self, message: EmailMessage) -> None:
        """Put the message where a developer finds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / file_name(message["To"])
        path.write_bytes(bytes(message))
        path.chmod(0o600)
        facts = {"to": str(message["To"]), "file": path.name}
        log.warning("mail written to a file: development only", extra={"facts": facts})
        log.warning("%s", message.get_content(), extra={"facts": facts})


def file_name(to: str) -> str:
    who = re.sub(r"[^A-Za-z0-9._-]", "_", to)[:80]
    return f"{utc_now():%Y%m%dT%H%M%S.%f}-{who}.eml"


def mails_in(folder: Path) -> list[Path]:
    """Return the files of mail written so far, oldest first."""
    return sorted((folder / "mail").glob("*.eml"))
