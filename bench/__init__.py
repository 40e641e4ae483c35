"""Measurements beside what a user would otherwise run: `make bench`, or `python -m bench P3 P5`."""
