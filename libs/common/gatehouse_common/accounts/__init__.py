"""Who may do what: roles, scopes, grants, and what proves who somebody is. No database and no network here.

Passwords are in ``accounts.passwords``, which brings libraries that only a log-in needs.
"""

from .credentials import ApiToken, fingerprint, new_session_id, new_token, parse_token
from .delays import delay_us
from .grants import ALL_PERMISSIONS, Grant, Permission
from .names import name_key, parse_name
from .principal import Principal
from .scopes import ROLE_SCOPES, Role, Scope, parse_scopes

__all__ = [
    "ALL_PERMISSIONS",
    "ROLE_SCOPES",
    "ApiToken",
    "Grant",
    "Permission",
    "Principal",
    "Role",
    "Scope",
    "delay_us",
    "fingerprint",
    "name_key",
    "new_session_id",
    "new_token",
    "parse_name",
    "parse_scopes",
    "parse_token",
]
