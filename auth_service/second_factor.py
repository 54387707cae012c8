"""The optional second factor: time-based codes (RFC 6238) and recovery codes. Pure."""

import hmac
import io
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
import segno

STEP_S = 30
STEPS_APART = 1  # the clock of a telephone may be half a minute off
RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are mistaken for each other
GROUP_CHARS, GROUPS = 5, 4
ISSUER = "AIFF"


@dataclass(frozen=True, slots=True)
class Setup:
    """What an authenticator app needs: by hand, as a link, as a picture."""

    secret: str
    otpauth_uri: str
    qr_svg: str


def new_totp_secret() -> str:
    return pyotp.random_base32()


def setup_of(secret: str, username: str) -> Setup:
    uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)
    picture = io.BytesIO()
    segno.make(uri, error="m").save(picture, kind="svg", scale=4, xmldecl=False)
    return Setup(secret, uri, picture.getvalue().decode())


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step whose code this is, None if it is none of those near now."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(secret)
    middle = int(now.timestamp()) // STEP_S
    for step in range(middle - STEPS_APART, middle + STEPS_APART + 1):
        if hmac.compare_digest(totp.generate_otp(step), digits):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Return codes of 20 characters (99 bits), in groups of five."""
    return [
        "-".join(
            "".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARS))
            for _ in range(GROUPS)
        )
        for _ in range(RECOVERY_CODES)
    ]


def plain_recovery_code(typed: str) -> str:
    """Return a recovery code as it was shown, however it was typed."""
    return typed.strip().lower().replace(" ", "-")
