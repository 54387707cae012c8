"""From the services' own OpenAPI documents to what users import and read."""
