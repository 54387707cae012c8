"""Every table of the project, imported together so that the metadata is whole."""

from db import ai, analytics, auth, tickets
from db.base import Base

SCHEMAS = (auth.SCHEMA, tickets.SCHEMA, analytics.SCHEMA, ai.SCHEMA)
ROLES = {schema: f"aiff_{schema}" for schema in SCHEMAS}
METADATA = Base.metadata
