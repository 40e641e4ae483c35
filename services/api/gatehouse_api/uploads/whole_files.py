"""Takes a file that comes at once, in a form."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import ClientDisconnected

from gatehouse_api.context import context
from gatehouse_common.db import Media
from gatehouse_common.errors import Conflict, GatehouseError

from .engine import Wanted
from .forms import FormFile
from .people import owner_of
from .told import announced_digest, claimed_type, facts_of, file_name


def take_file(part: str, username: str = "") -> Media:
    """Take the file of a form; return the medium that it is.

    Args:
        part: name of the file in the form.
        username: in whose name it is uploaded; empty: the form's field of that name, or who asks.

    Raises:
        InvalidInput: there is no such file, it is empty, no film, or the request broke off; nothing of it is kept.
        TooLarge, QuotaExceeded, ResourceExhausted: it is more than may be.
        Forbidden, NotFound: another's name, or nobody's.
    """
    engine = context().uploads
    engine.quotas.check_size(request.content_length or 0)
    form = FormFile(part)
    wanted = Wanted(
        owner=owner_of(username or form.fields.get("username", "")),
        door="form",
        name=file_name(form.fields.get("filename") or form.filename),
        claimed_type=claimed_type(form.content_type),
        digest=announced_digest(form.fields.get("sha256", "")),
        facts=facts_of(form.fields),
    )
    upload = engine.begin(wanted, expected=request.content_length or 0)
    try:
        upload = engine.append(upload, 0, form, None)
        form.finish()
        upload = engine.finish(engine.say_length(upload, upload.received))
    except (GatehouseError, ClientDisconnected) as error:
        engine.intake.drop(upload, "failed", str(error))
        raise
    if upload.media is None:
        raise Conflict(f"upload {upload.id} was cancelled meanwhile.")
    return engine.uploads.medium(upload.media)
