"""The detector: looks at pictures of cameras."""
