"""Programs a person runs: start, seed, import, back up. No business rule lives here."""
