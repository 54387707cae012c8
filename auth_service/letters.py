"""What the mails say, in the reader's language. Pure."""

from dataclasses import dataclass

RESET = {
    "en": (
        "Choose a new password",
        """\
Hello {username},

someone asked for a new password for your account. If it was you, open this link
within 30 minutes:

{link}

It works once. If it was not you, do nothing: your password stays as it is.
""",
    ),
    "ms": (
        "Pilih kata laluan baharu",
        """\
Salam {username},

seseorang meminta kata laluan baharu untuk akaun anda. Jika anda yang memintanya,
buka pautan ini dalam masa 30 minit:

{link}

Pautan ini boleh digunakan sekali sahaja. Jika bukan anda, abaikan mel ini: kata
laluan anda kekal.
""",
    ),
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A reset token to be mailed; it is stored as a digest only."""

    to: str
    username: str
    locale: str
    token: str


def reset_text(letter: Letter, dashboard_url: str) -> tuple[str, str]:
    """Return subject and text of the mail that carries a reset token."""
    subject, body = RESET.get(letter.locale, RESET["en"])
    link = f"{dashboard_url}/#/reset-password?token={letter.token}"
    return subject, body.format(username=letter.username, link=link)
