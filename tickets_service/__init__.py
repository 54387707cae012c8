"""Tickets: open them, send teams, move them on, and keep the promise."""
