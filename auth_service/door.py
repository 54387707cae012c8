"""What the views share: the hasher, the signer, the post, and who is calling."""

import ipaddress
from dataclasses import dataclass

from flask import current_app, g, request

from auth_service import session_actions
from auth_service.audit import Caller
from auth_service.mail import Post
from auth_service.passwords import Hasher
from auth_service.preferences import Preferences
from auth_service.queries import Account
from auth_service.signing import Signer
from db.scope import Actor
from service_kit.auth import current_actor
from service_kit.clock import utc_now
from service_kit.database import database
from service_kit.errors import AppError, Forbidden

MAX_DEVICE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Door:
    preferences: Preferences
    hasher: Hasher
    signer: Signer
    post: Post


def door() -> Door:
    found: Door = current_app.extensions["door"]
    return found


def caller() -> Caller:
    """Return from where the request comes, as far as it can be stored."""
    device = "".join(c for c in request.user_agent.string if c.isprintable())
    return Caller(address(), device[:MAX_DEVICE_CHARS], g.get("request_id"))


def address() -> str | None:
    try:
        return str(ipaddress.ip_address(request.remote_addr or ""))
    except ValueError:
        return None


def confirmed_account(password: str) -> Account:
    """Return the caller's account; raises if this is not their password."""
    found = session_actions.confirm_password(
        database(),
        door().hasher,
        password,
        actor=current_person(),
        caller=caller(),
        now=utc_now(),
    )
    if isinstance(found, AppError):
        raise found
    return found


def current_person() -> Actor:
    """Return the caller if it is a person in a session; raises Forbidden for a key."""
    actor = current_actor()
    if actor.session_id is None:
        raise Forbidden("An API key may not do this; log in.", code="session_required")
    return actor
