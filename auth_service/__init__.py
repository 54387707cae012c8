"""Who people are: accounts, sessions, second factors, teams, keys and the audit."""
