"""Segmenter: closed chunks become objects of the store. The one writer of published media."""
