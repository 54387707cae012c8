"""A made-up year of a fibre network in Malaysia, told through the real rules."""
