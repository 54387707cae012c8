"""Dispatch: a day's plan of visits, with the exact cost it is judged by."""
