"""Bring tickets of another system in, as its export tells them."""
