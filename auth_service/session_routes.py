"""HTTP face of logging in, staying in and logging out; and of the public keys."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from auth_service import (
    actions,
    key_actions,
    password_actions,
    queries,
    session_actions,
    signing,
)
from auth_service.audit import Caller
from auth_service.door import caller, confirmed_account, current_person, door
from auth_service.passwords import check_password
from auth_service.schemas import (
    ForgottenPasswordSchema,
    JwkSetSchema,
    Login,
    LoginSchema,
    LogoutQuerySchema,
    NewUser,
    PasswordChangeSchema,
    PasswordResetSchema,
    RefreshSchema,
    RegistrationSchema,
    SessionPageSchema,
    TokensSchema,
    UserSchema,
)
from service_kit.answers import json_response
from service_kit.auth import EVERYONE, allow, optional_actor, public
from service_kit.clock import utc_now
from service_kit.database import database, read_only, transaction
from service_kit.errors import AppError, Unauthenticated
from service_kit.idempotency import never_stored
from service_kit.paging import page_response

NO_STORE = {"Cache-Control": "no-store"}

blueprint = Blueprint(
    "sessions", __name__, url_prefix="/api/auth", description="Logging in and out"
)
open_blueprint = Blueprint(
    "keys", __name__, description="Public keys, and the gateway's question"
)


@blueprint.post("/register")
@public
@blueprint.arguments(RegistrationSchema)
@blueprint.response(201, UserSchema)
def register(new: NewUser) -> Response:
    """Add an account: a requester, or any role when an admin asks."""
    by = optional_actor()
    password = new.password or ""
    check_password(password, names=(new.username, new.email))
    password_hash = door().hasher.hash(password)
    with transaction() as connection:
        user = actions.register(
            connection, new, password_hash=password_hash, by=by, caller=caller()
        )
    return json_response(user, 201, {"Location": f"/api/auth/users/{user['id']}"})


@blueprint.post("/login")
@public
@never_stored
@blueprint.arguments(LoginSchema)
@blueprint.response(200, TokensSchema)
def log_in(login: Login) -> Response:
    """Exchange a user name or e-mail and a password for tokens."""
    now = utc_now()
    entry = session_actions.log_in(
        database(), door().hasher, door().preferences, login, caller=caller(), now=now
    )
    return tokens(entry)


@blueprint.post("/refresh")
@public
@never_stored
@blueprint.arguments(RefreshSchema)
@blueprint.response(200, TokensSchema)
def refresh(sent: dict[str, str]) -> Response:
    """Exchange a refresh token for a new pair; the old one is then spent."""
    with transaction() as connection:
        entry = session_actions.refresh(
            connection,
            sent["refresh_token"],
            door().preferences,
            caller=caller(),
            now=utc_now(),
        )
    return tokens(entry)


def tokens(entry: session_actions.Entry | AppError) -> Response:
    """Return the pair for an entry; raises what it was refused with."""
    if isinstance(entry, AppError):
        raise entry
    life = door().preferences.access_token_life
    answer: dict[str, Any] = {
        "access_token": door().signer.access_token(
            user_id=entry.user["id"],
            session_id=entry.session_id,
            role=entry.user["role"],
            life=life,
        ),
        "refresh_token": entry.refresh_token,
        "token_type": "Bearer",
        "expires_in": int(life.total_seconds()),
        "user": entry.user,
    }
    if entry.recovery_codes is not None:
        answer["recovery_codes"] = entry.recovery_codes
    return json_response(answer, headers=NO_STORE)


@blueprint.post("/logout")
@allow(*EVERYONE)
@never_stored
@blueprint.arguments(LogoutQuerySchema, location="query")
@blueprint.response(204)
def log_out(wanted: dict[str, bool]) -> Response:
    """End this session, or all of one's sessions with `?everywhere=true`."""
    with transaction() as connection:
        session_actions.log_out(
            connection,
            actor=current_person(),
            everywhere=wanted["everywhere"],
            caller=caller(),
            now=utc_now(),
        )
    return Response(status=204)


@blueprint.get("/sessions")
@allow(*EVERYONE)
@blueprint.response(200, SessionPageSchema)
def list_sessions() -> Response:
    """List one's own live sessions, last used first."""
    actor = current_person()
    with read_only() as connection:
        rows = queries.live_sessions(
            connection, actor.user_id, current_id=actor.session_id, now=utc_now()
        )
    return page_response(rows, limit=200, next_cursor=None)


@blueprint.delete("/sessions/<int:session_id>")
@allow(*EVERYONE)
@blueprint.response(204)
def revoke_session(session_id: int) -> Response:
    """End one of one's own sessions, on whatever device."""
    with transaction() as connection:
        session_actions.revoke_session(
            connection,
            session_id,
            actor=current_person(),
            caller=caller(),
            now=utc_now(),
        )
    return Response(status=204)


@blueprint.post("/password")
@allow(*EVERYONE)
@never_stored
@blueprint.arguments(PasswordChangeSchema)
@blueprint.response(204)
def change_password(sent: dict[str, str]) -> Response:
    """Change one's password; the other sessions end."""
    actor = current_person()
    account = confirmed_account(sent["old_password"])
    check_password(sent["new_password"], names=(account.username, account.email))
    password_hash = door().hasher.hash(sent["new_password"])
    with transaction() as connection:
        password_actions.change_password(
            connection, password_hash, actor=actor, caller=caller(), now=utc_now()
        )
    return Response(status=204)


@blueprint.post("/password/forgot")
@public
@never_stored
@blueprint.arguments(ForgottenPasswordSchema)
@blueprint.response(202)
def ask_for_reset(sent: dict[str, str]) -> Response:
    """Mail a link for a new password; the same answer if the address is unknown."""
    post_reset_letter(sent["email"], caller())
    answer = {"detail": "If the address is known, a mail is on its way."}
    return json_response(answer, 202)


def post_reset_letter(email: str, asker: Caller) -> None:
    """Do it after the answer, which so takes the same time for every address."""
    post, database_, preferences = door().post, database(), door().preferences

    def write_letter() -> None:
        with database_.transaction() as connection:
            letter = password_actions.ask_for_reset(
                connection, email, caller=asker, now=utc_now()
            )
        if letter is not None:
            post.send_reset(letter, preferences.dashboard_url)

    post.later(write_letter)


@blueprint.post("/password/reset")
@public
@never_stored
@blueprint.arguments(PasswordResetSchema)
@blueprint.response(204)
def reset_password(sent: dict[str, str]) -> Response:
    """Choose a new password with the token from the mail; all sessions end."""
    with read_only() as connection:
        owner = password_actions.owner_of_reset(connection, sent["token"], utc_now())
    check_password(sent["password"], names=owner)
    password_hash = door().hasher.hash(sent["password"])
    with transaction() as connection:
        password_actions.reset_password(
            connection, sent["token"], password_hash, caller=caller(), now=utc_now()
        )
    return Response(status=204)


@open_blueprint.get("/.well-known/jwks.json")
@public
@open_blueprint.response(200, JwkSetSchema)
def key_set() -> Response:
    """Answer the public keys by which access tokens can be checked (RFC 7517)."""
    if door().signer.symmetric:
        return json_response({"keys": []})
    door().signer.current()
    with read_only() as connection:
        keys = signing.key_set(connection, utc_now())
    return json_response(keys, headers={"Cache-Control": "public, max-age=60"})


@open_blueprint.get("/internal/verify")
@public
@open_blueprint.response(204)
def verify() -> Response:
    """Answer the gateway whether the token of a request is good now: 204 or 401."""
    try:
        actor = optional_actor()
        if actor is None:
            raise Unauthenticated("Send a bearer token.")
    except Unauthenticated as error:
        return refused(error)
    if actor.session_id is None:
        key_actions.touch_api_key(request.headers["Authorization"], actor, caller())
    return Response(status=204)


def refused(error: Unauthenticated) -> Response:
    """Return a 401 whose reason the gateway can pass on without reading the body."""
    headers = {"X-Problem-Code": error.code, "WWW-Authenticate": 'Bearer realm="aiff"'}
    return Response(status=401, headers=headers)
