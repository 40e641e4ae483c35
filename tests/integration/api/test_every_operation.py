"""Every operation of the OpenAPI document, tried on a running server with what fits it and with what does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from access_kit import GATE, AccessSite, access_site
from fault_rig import Finding, tell
from gatehouse_api.service import build
from gatehouse_api.webhooks.signing import new_secret
from gatehouse_common.accounts import Role, Scope
from gatehouse_common.clock import HOUR
from gatehouse_common.db import (
    Deliveries,
    EntryFields,
    Logins,
    MediaJobs,
    Tokens,
    Users,
    WatchEntries,
    WatchLists,
    Webhooks,
)
from gatehouse_common.db.happenings import note
from gatehouse_common.db.media_records import VIDEO
from gatehouse_common.runtime import Core
from media_rows import add_file, put
from pipeline_kit import add_camera
from schema_kit import Trial
from server_kit import serving

OLD = ("", "/srce/api")
"""Where the older uploader's routes are."""
EXAMPLES = {"admin": 3, "viewer at the gate": 2, "nobody": 1}
"""Of each operation, of those that fit and those that do not, for each of who asks."""
NEVER_TAKEN = {
    "POST /api/v1/auth/setup": "there is an admin",
    "POST /api/v1/auth/login": "there are no passwords here",
    "POST /api/v1/auth/signup": "nobody may sign up here",
    "POST /api/users/login": "there are no passwords here",
    "POST /api/users/register": "nobody may sign up here",
    "PUT /api/v1/auth/password": "there are no passwords here",
    "GET /api/v1/hls/{camera}/live.m3u8": "no camera is recorded right now",
    "POST /v2/detection/detect-from-camera": "there is no detector",
    "POST /v2/detection/detect-from-image": "what is generated is no picture",
    "POST /api/v1/uploads": "what is generated has no headers of tus",
    "GET /api/v1/uploads/{upload}": "nothing is being uploaded",
    "PATCH /api/v1/uploads/{upload}": "nothing is being uploaded",
    "DELETE /api/v1/uploads/{upload}": "nothing is being uploaded",
    "POST /api/v1/media": "what is generated is no film",
    "POST /upload/": "what is generated is no film",
    "POST /srce/api/upload/": "what is generated is no film",
    "POST /upload_blob": "users record for others, and there are none of a generated name",
    "POST /upload_blob/": "users record for others, and there are none of a generated name",
    "POST /upload_blob/complete": "nothing is being uploaded",
    "POST /srce/api/upload_blob/": "users record for others, and there are none of a generated name",
    "POST /srce/api/upload_blob/complete": "nothing is being uploaded",
    "GET /api/v1/viewings/{viewing}": "nobody watches while this runs",
    "POST /api/v1/viewings/{viewing}/record": "nobody watches while this runs",
}
"""What an admin cannot have here, and why; each other operation takes one of its examples at least."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessSite]:
    with access_site(tmp_path_factory.mktemp("operations")) as made:
        yield made


@pytest.fixture(scope="module")
def url(site: AccessSite) -> Iterator[str]:
    service = build(site.core)
    with serving(service):
        yield f"http://127.0.0.1:{service.port}"


@pytest.fixture(scope="module")
def document(site: AccessSite, url: str) -> dict[str, Any]:
    answer = requests.get(f"{url}/api/v1/openapi.json", headers=_shown(site, "admin"), timeout=10)
    found: dict[str, Any] = answer.json()
    return found


def _shown(site: AccessSite, who: str) -> Mapping[str, str]:
    """What somebody shows; the admin's session is begun anew, as one of the operations ends it."""
    if who != "admin":
        return site.callers[who].headers
    return {"Cookie": f"gatehouse={_begin(site)}"}


def _begin(site: AccessSite) -> str:
    user, now = Users(site.core.db).named("ada"), site.core.clock.now_us()
    assert user is not None
    return Logins(site.core.db, 24 * HOUR, 240 * HOUR).begin(user.id, now, "127.0.0.1", "a browser")


def _things(site: AccessSite, url: str, who: str) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """What there is, by the parameter that names it, and what may be spoiled, by the operation that does."""
    users, tokens, now = Users(site.core.db), Tokens(site.core.db), site.core.clock.now_us()
    admin = users.named("ada")
    assert admin is not None
    short, there = who.split(maxsplit=1)[0], site.objects[GATE]
    user, gone = users.add(f"spare {short}", Role.VIEWER, now).id, users.add(f"gone {short}", Role.VIEWER, now).id
    add_camera(site.core, f"spare-{short}")
    token = tokens.make(admin.id, "spare", frozenset({Scope.LIVE_VIEW}), now).id
    _begin(site)
    session = Logins(site.core.db, 24 * HOUR, 240 * HOUR).list(admin.id, now)[0].id
    span = {"camera": GATE, "from": there["from"], "to": there["to"]}
    link, revoked = (
        requests.post(f"{url}/api/v1/links", json=span, headers=_shown(site, "admin"), timeout=10).json()
        for _ in range(2)
    )
    media = _media(site.core, list(EXAMPLES).index(who) * 1000 + 1)
    lists = [WatchLists(site.core.db).add(f"{name} {short}", "watch", now).id for name in ("Kept", "Gone")]
    entries = [WatchEntries(site.core.db).add(lists[0], EntryFields(plate), now).id for plate in ("KEPT1", "GONE1")]
    real = {
        **there,
        "media": media["ready"],
        "watchlist": lists[0],
        "entry": entries[0],
        "segment": there["clip"],
        "detection": there["plate"],
        "event": there["plate"],
        "cameras": GATE,
        "user": user,
        "secret": link["url"].rpartition("/")[2],
        **_webhook(site.core),
    }
    spare: dict[str, dict[str, Any]] = {
        "DELETE /api/v1/cameras/{camera}": {"camera": f"spare-{short}"},
        "POST /api/v1/cameras": {"id": f"new-{short}"},
        "DELETE /api/v1/users/{user}": {"user": gone},
        "DELETE /api/v1/watchlists/{watchlist}": {"watchlist": lists[1]},
        "DELETE /api/v1/watchlists/{watchlist}/entries/{entry}": {"entry": entries[1]},
        "POST /api/v1/watchlists": {"name": f"new {short}"},
        "DELETE /api/v1/tokens/{token}": {"token": token},
        "DELETE /api/v1/links/{link}": {"link": revoked["id"]},
        "DELETE /api/v1/webhooks/{webhook}": {"webhook": _webhook(site.core)["webhook"]},
        # The one before is made inactive by the example of a change, and nothing is told to it then.
        "POST /api/v1/webhooks/{webhook}/deliveries/{delivery}/replay": _webhook(site.core),
        "DELETE /api/v1/auth/sessions/{session}": {"session": session},
        "GET /api/users/{name}": {"name": "ada"},
        "GET /api/video/{chunk}": {"chunk": there["file"]},
        "GET /api/video/{chunk}/download": {"chunk": there["file"]},
        "DELETE /api/delete-video/{chunk}": {"chunk": there["file"]},
        "POST /api/v1/session-files/{chunk}/restore": {"chunk": there["trashed"]},
        "POST /v2/video/cleanup": {"retention_days": "10000"},
        "DELETE /api/v1/media/{media}": {"media": media["spare"]},
        "POST /api/v1/exports": {"cameras": [GATE]},
        "POST /api/v1/media/{media}/restore": {"media": media["trashed"]},
        "POST /api/v1/media/{media}/retry": {"media": media["failed"]},
        "GET /api/v1/media/{media}/hls/{name}": {"name": "hls"},
        "DELETE /api/v1/jobs/{job}": {"job": media["job"]},
        **{f"GET {old}/video/stream/{{video}}": {"video": media["ready"]} for old in OLD},
        **{f"DELETE {old}/video/{{video}}": {"video": media[f"old{old}"]} for old in OLD},
    }
    return real, spare


def _webhook(core: Core) -> dict[str, str]:
    """A webhook to an address to which none lead, and what it is to be told: their ids."""
    now, deliveries = core.clock.now_us(), Deliveries(core.db)
    made = Webhooks(core.db).add("https://127.0.0.1/", new_secret(), ["*"], None, "", "ada", now)
    with core.db.begin() as c:
        note(c, "recording.gap", GATE, GATE, now, "{}")
    deliveries.spread([made], now)
    return {"webhook": made.id, "delivery": deliveries.list(made.id, 1)[0].id}


def _media(core: Core, first: int) -> dict[str, str]:
    """Media in each of the ways that they may be, and a job of one: numbers and the job's id, by what they are."""
    states = {"ready": "ready", "spare": "ready", "trashed": "trashed", "failed": "failed"}
    names = [*states, *(f"old{old}" for old in OLD)]
    made = {}
    for number, name in enumerate(names, first):
        media = made[name] = put(core.db, number, state=states.get(name, "ready"), before_trash="ready")
        for kind, type_ in (("original", "video/webm"), ("thumbnail", "image/jpeg"), ("sprite", "image/jpeg")):
            core.store.put_bytes(add_file(core.db, media, kind, type=type_).key, b"0123456789")
        hls = add_file(core.db, media, "hls", variant="hls", type="application/vnd.apple.mpegurl")
        core.store.put_bytes(hls.key, b"#EXTM3U\n..")
    job = MediaJobs(core.db).ask(made["ready"], VIDEO, {"format": "gif"}, core.clock.now_us(), 0, "somebody")
    return {"job": job.id, **{name: str(media.number) for name, media in made.items()}}


@pytest.mark.slow
@pytest.mark.parametrize("who", list(EXAMPLES))
def test_no_operation_fails_or_answers_what_is_not_in_the_document(
    site: AccessSite, url: str, document: dict[str, Any], who: str
) -> None:
    """No 5xx, no status, type or body that the document does not have; nobody gets past 401, 403 or 404."""
    real, spare = _things(site, url, who)
    trial = Trial(url, who, lambda: _shown(site, who), real, spare, stranger=who == "nobody")
    trial.run(document, EXAMPLES[who])
    assert not trial.wrong, f"{len(trial.wrong)}:\n" + "\n".join(dict.fromkeys(trial.wrong))
    assert len(trial.statuses) == sum(len(item) for item in document["paths"].values())
    if who == "admin":
        assert trial.never_taken() == NEVER_TAKEN.keys(), trial.statuses
    what = f"every operation of the OpenAPI document, with what fits it and what does not, asked by: {who}"
    figure = (
        f"{trial.asked} requests to {len(trial.statuses)} operations: 0 answers 5xx but 503 of a camera or detector "
        "that is not there, 0 that are not in the document"
    )
    tell(Finding("R7", what, figure, "0 answers 5xx", met=True))
