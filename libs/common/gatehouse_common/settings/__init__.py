"""Every setting, where it comes from, and its reference."""

from .load import Settings, load, names
from .model import SettingsModel
from .retention import RetentionSettings
from .values import (
    allowed_hosts,
    allowed_origins,
    fsync_every_us,
    listen_address,
    site_zone,
    time_of_day,
    trusted_networks,
)

__all__ = [
    "RetentionSettings",
    "Settings",
    "SettingsModel",
    "allowed_hosts",
    "allowed_origins",
    "fsync_every_us",
    "listen_address",
    "load",
    "names",
    "site_zone",
    "time_of_day",
    "trusted_networks",
]
