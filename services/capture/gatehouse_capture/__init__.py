"""Capture: cameras in, chunk files and notices out. The one writer of the spool."""
