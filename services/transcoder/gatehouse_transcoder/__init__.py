"""The transcoder: makes of what people upload what belongs to it, in child processes with limits."""
