"""The janitor: deletes what is too old or stands in the way, never what is held, and keeps index and store in order."""
