"""HTTP face of the second factor."""

from flask import Response
from flask_smorest import Blueprint

from auth_service import factor_actions, queries
from auth_service.door import caller, confirmed_account, current_person, door
from auth_service.schemas import (
    CodeSchema,
    PasswordSchema,
    RecoveryCodesSchema,
    SecondFactorSchema,
    SecondFactorSecretSchema,
)
from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import EVERYONE, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.errors import Conflict
from service_kit.idempotency import never_stored

NO_STORE = {"Cache-Control": "no-store"}

blueprint = Blueprint(
    "second_factor", __name__, url_prefix="/api/auth", description="Second factor"
)


@blueprint.get("/second-factor")
@allow(*EVERYONE)
@blueprint.response(200, SecondFactorSchema)
def get_second_factor() -> Response:
    """Answer whether one's second factor is on, and whether the role needs one."""
    actor = current_person()
    with read_only() as connection:
        account = queries.get_account(connection, actor.user_id)
        left = queries.recovery_codes_left(connection, actor.user_id)
    return json_response(
        {
            "enabled": account.totp_confirmed_at is not None,
            "required": actor.role in door().preferences.second_factor_roles,
            "recovery_codes_left": left,
        }
    )


@blueprint.post("/second-factor")
@allow(*EVERYONE)
@never_stored
@blueprint.arguments(PasswordSchema)
@blueprint.response(201, SecondFactorSecretSchema)
def set_up_second_factor(sent: dict[str, str]) -> Response:
    """Begin with a second factor: a secret for an authenticator app, as a QR too."""
    actor = current_person()
    confirmed_account(sent["password"])
    with transaction() as connection:
        vault = door().preferences.vault
        setup = factor_actions.set_up_second_factor(connection, vault, actor=actor)
    shown = {
        "secret": setup.secret,
        "otpauth_uri": setup.otpauth_uri,
        "qr_svg": setup.qr_svg,
    }
    return json_response(shown, 201, NO_STORE)


@blueprint.post("/second-factor/confirm")
@allow(*EVERYONE)
@never_stored
@blueprint.arguments(CodeSchema)
@blueprint.response(200, RecoveryCodesSchema)
def confirm_second_factor(sent: dict[str, str]) -> Response:
    """Switch it on with the app's first code; answers recovery codes, this once."""
    with transaction() as connection:
        codes = factor_actions.confirm_second_factor(
            connection,
            sent["code"],
            door().preferences.vault,
            actor=current_person(),
            caller=caller(),
            now=utc_now(),
        )
    return json_response({"recovery_codes": codes}, headers=NO_STORE)


@blueprint.post("/second-factor/recovery-codes")
@allow(*EVERYONE)
@never_stored
@blueprint.arguments(PasswordSchema)
@blueprint.response(200, RecoveryCodesSchema)
def renew_recovery_codes(sent: dict[str, str]) -> Response:
    """Replace one's recovery codes; the old ones are worth nothing."""
    actor = current_person()
    account = confirmed_account(sent["password"])
    if account.totp_confirmed_at is None:
        raise Conflict("There is no second factor.", code="second_factor_off")
    with transaction() as connection:
        codes = factor_actions.renew_recovery_codes(connection, actor.user_id)
    return json_response({"recovery_codes": codes}, headers=NO_STORE)


@blueprint.post("/second-factor/remove")
@allow(*EVERYONE)
@never_stored
@blueprint.arguments(PasswordSchema)
@blueprint.response(204)
def remove_second_factor(sent: dict[str, str]) -> Response:
    """Switch one's second factor off."""
    actor = current_person()
    confirmed_account(sent["password"])
    with transaction() as connection:
        factor_actions.remove_second_factor(
            connection, actor.user_id, by=actor, caller=caller()
        )
    return Response(status=204)


@blueprint.delete("/users/<int:user_id>/second-factor")
@allow(Role.ADMIN)
@blueprint.response(204)
def reset_second_factor(user_id: int) -> Response:
    """Switch off the second factor of someone who lost it."""
    with transaction() as connection:
        factor_actions.remove_second_factor(
            connection, user_id, by=current_actor(), caller=caller()
        )
    return Response(status=204)
