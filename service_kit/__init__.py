"""What every Flask service needs, and no ticket word in it."""
