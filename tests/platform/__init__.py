"""The platform's promises: what starts, what comes back, what is left behind."""
