"""The media core: parts are written, indexed, adopted and sliced here, without decoding."""
