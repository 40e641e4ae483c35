"""Settings of who may use the web server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .group import Group
from .values import HeaderName


class AuthSettings(Group):
    """Who may use the web server."""

    mode: Literal["local", "proxy", "open"] = Field(
        "local",
        description="`local`: users of this installation, with passwords and tokens; `proxy`: a proxy before it knows "
        "people and names them in a header; `open`: whoever reaches it may do everything, for which it has to listen "
        "on loopback alone",
    )
    admin: str = Field("admin", max_length=255, description="name of the first user that `admin_password` makes")
    admin_password: str = Field(
        "",
        description="makes the first user while there is none, in place of the page and its token; better by "
        "`GATEHOUSE_AUTH__ADMIN_PASSWORD_FILE`; later it does not matter",
    )
    sign_up: bool = Field(False, description="whether people may sign up; an admin lets them in")
    idle_hours: float = Field(24.0, gt=0, le=8760, description="a session that is not used for so long ends")
    session_days: float = Field(30.0, gt=0, le=365, description="a session ends after so long, however much it is used")
    proxy_user_header: HeaderName = Field(
        "X-Forwarded-User", description="in which header one of `api.trusted_proxies` names who asks"
    )
    proxy_secret: str = Field(
        "",
        description="what it shows in `X-Gatehouse-Proxy-Secret`; better by `GATEHOUSE_AUTH__PROXY_SECRET_FILE`",
    )
    proxy_role: Literal["admin", "operator", "viewer", "uploader"] = Field(
        "viewer", description="role of those whom a proxy names for the first time; admins may change it"
    )
    proxy_admins: str = Field("", description="names, with commas between, of those who are admins from the first time")
