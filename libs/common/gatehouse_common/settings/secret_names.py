"""Which settings are secret: their values are shown nowhere."""

from __future__ import annotations

_SECRET = ("secret_key", "sealing_key", "token", "_secret", "password")


def is_secret(name: str) -> bool:
    """Return whether the value of a setting, by its dotted name, must not be shown."""
    return name.endswith(_SECRET)
