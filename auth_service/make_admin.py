"""Make the first admin: `python -m auth_service.make_admin --username anna --email …`.

What is not given is asked for; the password always is, or it is read from the first
line of standard input when that is no terminal, but never from an argument, which
others could see. An account of that name that exists becomes an admin with the new
password.
"""

import argparse
import getpass
import sys

from marshmallow import ValidationError
from sqlalchemy import select

from auth_service import actions, names
from auth_service.audit import Caller, Kind, note
from auth_service.commands import database_of, settings_or_exit
from auth_service.passwords import Hasher, check_password
from auth_service.schemas import EmailAddress, NewUser, Username
from db.auth import User
from db.engine import Database
from db.vocabulary import Role
from service_kit.clock import utc_now
from service_kit.errors import AppError


def make_admin(database: Database, username: str, email: str, password: str) -> int:
    """Add an admin, or make one of an existing user; return the user's id.

    Raises Invalid, Conflict (the e-mail is someone else's) or ValidationError.
    """
    username = Username().deserialize(username)
    email = EmailAddress().deserialize(email)
    check_password(password, names=(username, email))
    password_hash = Hasher().hash(password)
    with database.transaction() as connection:
        same = User.username_key == names.username_key(username)
        user_id = connection.scalar(select(User.id).where(same).with_for_update())
        if user_id is None:
            new = NewUser(username, email, role=Role.ADMIN)
            user = actions.add_user(connection, new, password_hash=password_hash)
            return int(user["id"])
        changes = {"role": Role.ADMIN, "is_active": True}
        actions.save_user(
            connection, user_id, changes, password_hash=password_hash, now=utc_now()
        )
        actions.end_sessions(connection, user_id, reason="made an admin", now=utc_now())
        note(connection, Kind.ROLE_CHANGED, Caller(), user_id=user_id, to="admin")
        return int(user_id)


def asked_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        sys.exit("The two are not the same.")
    return password


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m auth_service.make_admin", description=__doc__
    )
    parser.add_argument("--username")
    parser.add_argument("--email")
    asked = parser.parse_args(arguments)
    database = database_of(settings_or_exit())
    username = asked.username or input("User name: ")
    email = asked.email or input("E-mail: ")
    try:
        user_id = make_admin(database, username, email, asked_password())
    except (AppError, ValidationError) as error:
        sys.exit(f"Not done: {error}")
    sys.stdout.write(f"{username} (user {user_id}) is an admin.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
