"""The database: tables, words, visibility, migrations. Knows nothing of HTTP."""
