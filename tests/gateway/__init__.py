"""The gateway's promises, proved on a real nginx before services that misbehave."""
