"""The whole system on one machine without Docker: PostgreSQL, services and nginx."""
