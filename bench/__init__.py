"""Benchmarks that a person can run: `make bench`.

Each figure stands beside a baseline of the same run, because machines differ and
drift: the ratio is what counts. CPU is read from /proc over whole process trees.
"""
