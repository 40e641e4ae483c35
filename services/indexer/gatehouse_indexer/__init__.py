"""The indexer: turns what happened into rows of the SQL index."""
