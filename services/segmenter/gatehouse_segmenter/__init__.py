"""The segmenter: publishes finished chunks into the store, and adopts what a crash left in the spool."""
