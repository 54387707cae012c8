"""HTTP face of accounts: one's own profile, users, API keys and the audit."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth_service import actions, password_actions, queries
from auth_service.door import caller, current_person, door
from auth_service.letters import Letter
from auth_service.passwords import check_password
from auth_service.schemas import (
    ApiKeyPageSchema,
    AuditPageSchema,
    AuditQuerySchema,
    NewApiKey,
    NewApiKeySchema,
    NewUser,
    NewUserSchema,
    ProfileChangesSchema,
    ShownApiKeySchema,
    UserChangesSchema,
    UserPageSchema,
    UserQuerySchema,
    UserSchema,
)
from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import EVERYONE, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.etags import etag, tagged
from service_kit.idempotency import never_stored
from service_kit.paging import page_response

blueprint = Blueprint(
    "accounts", __name__, url_prefix="/api/auth", description="Users, keys, audit"
)


def user_response(connection: Connection, user: queries.Row) -> Response:
    version = queries.user_version(connection, user["id"])
    return tagged(json_response(user), etag(version))


@blueprint.get("/me")
@allow(*EVERYONE)
@blueprint.response(200, UserSchema)
def get_me() -> Response:
    """Answer who one is."""
    with read_only() as connection:
        user = queries.get_user(connection, current_actor().user_id)
        return user_response(connection, user)


@blueprint.patch("/me")
@allow(*EVERYONE)
@blueprint.arguments(ProfileChangesSchema)
@blueprint.response(200, UserSchema)
def change_profile(changes: dict[str, Any]) -> Response:
    """Change one's own full name, e-mail or locale."""
    with transaction() as connection:
        user = actions.change_profile(
            connection, changes, actor=current_person(), caller=caller(), now=utc_now()
        )
        return user_response(connection, user)


@blueprint.get("/users")
@allow(Role.ADMIN)
@blueprint.arguments(UserQuerySchema, location="query")
@blueprint.response(200, UserPageSchema)
def list_users(wanted: dict[str, Any]) -> Response:
    """List accounts, deactivated ones too."""
    with read_only() as connection:
        page = queries.page_of_users(connection, wanted)
    return page_response(
        page.items,
        limit=wanted["limit"],
        next_cursor=page.next_cursor,
        total=page.total,
    )


@blueprint.post("/users")
@allow(Role.ADMIN)
@blueprint.arguments(NewUserSchema)
@blueprint.response(201, UserSchema)
def add_user(new: NewUser) -> Response:
    """Add an account. Without a password its owner chooses one by mail."""
    password_hash = None
    if new.password is not None:
        check_password(new.password, names=(new.username, new.email))
        password_hash = door().hasher.hash(new.password)
    with transaction() as connection:
        user = actions.add_user(
            connection,
            new,
            password_hash=password_hash,
            actor_id=current_actor().user_id,
            caller=caller(),
        )
        token = None
        if password_hash is None:
            token = password_actions.add_reset(connection, user["id"], utc_now())
    if token is not None:
        letter = Letter(user["email"], user["username"], user["locale"], token)
        door().post.send_reset(letter, door().preferences.dashboard_url)
    return json_response(user, 201, {"Location": f"/api/auth/users/{user['id']}"})


@blueprint.get("/users/<int:user_id>")
@allow(Role.ADMIN)
@blueprint.response(200, UserSchema)
def get_user(user_id: int) -> Response:
    """Answer one account."""
    with read_only() as connection:
        return user_response(connection, queries.get_user(connection, user_id))


@blueprint.patch("/users/<int:user_id>")
@allow(Role.ADMIN)
@blueprint.arguments(UserChangesSchema)
@blueprint.response(200, UserSchema)
def change_user(changes: dict[str, Any], user_id: int) -> Response:
    """Change an account; a new role or a deactivation is felt within ten seconds."""
    password_hash = None
    password = changes.pop("password", None)
    if password is not None:
        check_password(password)
        password_hash = door().hasher.hash(password)
    with transaction() as connection:
        user = actions.change_user(
            connection,
            user_id,
            changes,
            password_hash=password_hash,
            by=current_actor(),
            caller=caller(),
            now=utc_now(),
        )
        return user_response(connection, user)


@blueprint.delete("/users/<int:user_id>")
@allow(Role.ADMIN)
@blueprint.response(204)
def deactivate_user(user_id: int) -> Response:
    """Deactivate an account and end its sessions; its history stays."""
    with transaction() as connection:
        actions.change_user(
            connection,
            user_id,
            {"is_active": False},
            by=current_actor(),
            caller=caller(),
            now=utc_now(),
        )
    return Response(status=204)


@blueprint.get("/api-keys")
@allow(*EVERYONE)
@blueprint.response(200, ApiKeyPageSchema)
def list_api_keys() -> Response:
    """List one's own API keys; the keys themselves are never shown again."""
    actor = current_person()
    with read_only() as connection:
        keys = queries.api_keys(connection, actor.user_id)
    return page_response(keys, limit=200, next_cursor=None)


@blueprint.post("/api-keys")
@allow(*EVERYONE)
@never_stored
@blueprint.arguments(NewApiKeySchema)
@blueprint.response(201, ShownApiKeySchema)
def add_api_key(new: NewApiKey) -> Response:
    """Make an API key with some scopes of one's own; it is shown this once."""
    with transaction() as connection:
        added = actions.add_api_key(
            connection, new, actor=current_person(), caller=caller(), now=utc_now()
        )
    shown = added.row | {"key": added.key}
    return json_response(shown, 201, {"Cache-Control": "no-store"})


@blueprint.delete("/api-keys/<int:key_id>")
@allow(*EVERYONE)
@blueprint.response(204)
def revoke_api_key(key_id: int) -> Response:
    """End one of one's own API keys; an admin anyone's."""
    with transaction() as connection:
        actions.revoke_api_key(
            connection, key_id, actor=current_person(), caller=caller(), now=utc_now()
        )
    return Response(status=204)


@blueprint.get("/audit")
@allow(Role.ADMIN)
@blueprint.arguments(AuditQuerySchema, location="query")
@blueprint.response(200, AuditPageSchema)
def list_events(wanted: dict[str, Any]) -> Response:
    """List what happened to accounts, newest first."""
    with read_only() as connection:
        page = queries.page_of_events(connection, wanted)
    return page_response(
        page.items,
        limit=wanted["limit"],
        next_cursor=page.next_cursor,
        total=page.total,
    )
