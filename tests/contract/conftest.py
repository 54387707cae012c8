"""The four services on one database, shared by all tests here."""

import pytest
from flask import Flask

from tests.contract.services import SERVICES, Route, make_app, routes_of


@pytest.fixture(scope="session")
def apps(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Flask]:
    folder = tmp_path_factory.mktemp("var")
    return {service: make_app(service, database_url, folder) for service in SERVICES}


@pytest.fixture(scope="session")
def routes(apps: dict[str, Flask]) -> list[Route]:
    return [route for app in apps.values() for route in routes_of(app)]
