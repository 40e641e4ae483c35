"""Webhooks: events told to addresses of others, signed, and again until they are heard."""
