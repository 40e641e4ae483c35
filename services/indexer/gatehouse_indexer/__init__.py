"""Indexer: what happened becomes rows. The one writer of footage in the SQL index."""
