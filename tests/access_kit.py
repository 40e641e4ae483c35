"""A site with two cameras and everything that there may be of one, and callers who may do more or less of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from gatehouse_common.accounts import ROLE_SCOPES, Grant, Permission, Role, Scope
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import (
    ClipRepository,
    FootageReader,
    Hold,
    HoldRepository,
    JobRepository,
    Logins,
    RecorderSessions,
    SessionTrash,
    Tokens,
    Users,
)
from gatehouse_common.db.jobs import CONSISTENCY_CHECK
from gatehouse_common.db.sessions import Numbers
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Check, Core
from gatehouse_common.testing.film import FilmSpec
from gatehouse_common.timefmt import rfc3339
from pipeline_kit import add_camera, core_at, record, work_off
from plates_kit import Visit, indexing, make_clips, settle, tell, visit

GATE, YARD, NOWHERE = "gate", "yard", "nowhere"
LAST_HOURS = 1.0
BEFORE_US, OLD_BEFORE_US, NEVER_BEFORE_US = 10 * MINUTE, 3 * HOUR, 9 * HOUR
"""How long ago what is young and what is old was recorded, and when nothing was."""
LENGTH_S = 12
BOTH = "SAME123"
OWN = {GATE: "GTE4711", YARD: "YRD4711"}
CHECKS = [
    Check("storage", ok=False, detail=f"the film of {YARD} cannot be stored"),
    Check(f"camera {GATE}", ok=True),
    Check(f"camera {YARD}", ok=False, detail="it does not answer"),
]
"""What services say of themselves."""

Objects = Mapping[str, str]
"""What an example address names, by the name of its place there."""


@dataclass(frozen=True)
class Caller:
    """Somebody who asks.

    Attributes:
        name: of the user or token.
        headers: what is shown.
        scopes: what may be done.
        grants: with which cameras what may be done; None: all with all.
        last_hours: for how long back; None: without limit.
    """

    name: str
    headers: Mapping[str, str]
    scopes: frozenset[Scope]
    grants: Mapping[str, frozenset[Permission]] | None = None
    last_hours: float | None = None

    @property
    def by_token(self) -> bool:
        """Whether a token is shown, and no session."""
        return bool(self.headers) and "Cookie" not in self.headers

    def sees(self, camera: str, permission: Permission | None) -> bool:
        """Whether a camera is there for this caller, for something."""
        if self.grants is None:
            return True
        found = self.grants.get(camera)
        return found is not None and (permission is None or permission in found)


@dataclass(frozen=True)
class Told:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    mimetype: str

    def json(self) -> Any:
        return json.loads(self.data)


@dataclass
class AccessSite:
    """The app, who asks, and what there is of each camera, of what was long ago, and of nothing."""

    core: Core
    app: Flask
    callers: dict[str, Caller]
    objects: dict[str, Objects]
    visits: dict[str, list[Visit]]
    secrets: list[bytes]
    begun_us: int

    def client(self) -> FlaskClient:
        """A client that shows only what it is told to."""
        return self.app.test_client(use_cookies=False)

    def ask(self, caller: str, method: str, path: str, body: object = None, **headers: str) -> Told:
        """Ask as somebody, and read the answer to its end."""
        shown = {**self.callers[caller].headers, **headers}
        with self.client().open(path, method=method, headers=shown, json=body) as answer:
            return Told(answer.status_code, dict(answer.headers), answer.get_data(), answer.mimetype)


@contextmanager
def access_site(home: Path) -> Iterator[AccessSite]:
    """A site on SQLite with twelve seconds of two cameras now, and long ago."""
    settings = {
        "auth.mode": "local",
        "api.port": 0,
        "api.default_camera": YARD,
        "detection.timeout_seconds": 0.5,
    }
    with core_at(home / "data", **settings) as core:
        now = core.clock.now_us()
        young, old = now - BEFORE_US, now - OLD_BEFORE_US
        for camera in (GATE, YARD):
            add_camera(core, camera, old - HOUR)
            for start in (old, young):
                _record(core, home, camera, start)
        work_off(core)
        visits = _plates(core, young, old)
        objects: dict[str, Objects] = {
            "gate": _objects(core, GATE, young, visits[GATE][0]),
            "yard": _objects(core, YARD, young, visits[YARD][0]),
            "old": _objects(core, GATE, old, visits["old"][0]),
            "none": _nothing(young),
            "never": {**_nothing(now - NEVER_BEFORE_US), "camera": GATE},
        }
        _files(core, objects, {"gate": young, "yard": young, "old": old})
        JobRepository(core.db).ask(CONSISTENCY_CHECK, {"scope": YARD}, now, "")
        callers = _callers(core)
        app = create_app(core, checks=lambda: CHECKS)
        yield AccessSite(core, app, callers, objects, visits, _secrets(core, objects, visits), young)
        close_app(app)


def _record(core: Core, home: Path, camera: str, start_us: int) -> None:
    spec = FilmSpec(frames=LENGTH_S * 30, gop=30, width=160, height=96)
    taken = record(core.data_dir, home, spec=spec, camera=camera, start_us=start_us, chunk_us=600 * SECOND)
    for closed in taken.closed:
        core.bus.publish(closed)


def _plates(core: Core, young: int, old: int) -> dict[str, list[Visit]]:
    """The same car comes to both cameras, more often to the yard; another comes to each alone."""
    found = {
        GATE: [visit(GATE, BOTH, young + 3 * SECOND), visit(GATE, OWN[GATE], young + 5 * SECOND)],
        YARD: [
            *(visit(YARD, BOTH, young + at * SECOND) for at in (2, 5, 8)),
            visit(YARD, OWN[YARD], young + 6 * SECOND),
        ],
        "old": [visit(GATE, BOTH, old + 3 * SECOND)],
    }
    with indexing(core):
        for visits in found.values():
            for one in visits:
                tell(core, one)
        settle(core)
    for visits in found.values():
        for one in visits:
            make_clips(core, one.camera, [(one.event, one.start_us)], 1, 2)
    return found


def _objects(core: Core, camera: str, start_us: int, one: Visit) -> Objects:
    (chunk,) = FootageReader(core.db).find_chunks(camera, start_us + SECOND, start_us + 2 * SECOND)
    clip = ClipRepository(core.db).of_event(one.event)[0]
    now = core.clock.now_us()
    job = JobRepository(core.db).ask("export", {"camera": camera, "from_us": start_us}, now, "somebody")
    hold = Hold(new_id(), camera, None, start_us, start_us + SECOND, f"of {camera}", "", None, now)
    held_clip = Hold(new_id(), None, clip.id, clip.start_us, clip.end_us, f"a clip of {camera}", "", None, now)
    for held in (hold, held_clip):
        HoldRepository(core.db).place(held)
    return {
        "camera": camera,
        "plate": one.event,
        "clip": clip.id,
        "chunk": chunk.id,
        "job": job.id,
        "hold": hold.id,
        "held_clip": held_clip.id,
        **_times(start_us),
    }


def _files(core: Core, objects: dict[str, Objects], starts: Mapping[str, int]) -> None:
    """A file of a session of each camera, and one in the trash, of a user who asks for nothing here."""
    user = Users(core.db).add("recorder", Role.UPLOADER, core.clock.now_us())
    sessions = RecorderSessions(core.db)
    with core.db.begin() as c:  # numbers that are nothing else's are found in answers
        Numbers(700_000, 700_000).keep(c)
    for name, start_us in starts.items():
        for number, place in enumerate(("file", "trashed")):
            camera, at = objects[name]["camera"], start_us + number * 100 * SECOND
            sessions.begin(user.number, user.name, camera, Interval(at, at + 60 * SECOND), 60, viewing=new_id())
            (planned,) = sessions.planned(lambda _: True)
            key = f"sessions/2026-05-17/of_{camera}_{planned.number}.mp4"
            core.store.put_bytes(key, f"film of {camera}".encode())
            stored = replace(planned, state="stored", key=key, bytes=len(f"film of {camera}"), stored_us=at)
            assert sessions.made(stored)
            if place == "trashed":
                SessionTrash(core.db).put(planned.number, at)
            objects[name] = {**objects[name], place: str(planned.number)}


def _nothing(start_us: int) -> Objects:
    ids = {name: new_id() for name in ("plate", "clip", "chunk", "job", "hold", "held_clip")}
    return {"camera": NOWHERE, **ids, "file": "2000000000", "trashed": "2000000001", **_times(start_us)}


def _times(start_us: int) -> dict[str, str]:
    at = [rfc3339(start_us + s * SECOND) for s in (1, 2, 4)]
    return {"from": at[0], "at": at[1], "to": at[2]}


def _secrets(core: Core, objects: Mapping[str, Objects], visits: Mapping[str, list[Visit]]) -> list[bytes]:
    """What nobody may read who does not see the yard: its name, its plates, and the ids of all that is of it."""
    reader = FootageReader(core.db)
    chunks = [c for c in reader.all_chunks() if c.camera == YARD]
    ids = {objects["yard"][name] for name in ("plate", "clip", "chunk", "job", "hold", "held_clip")}
    ids |= {c.id for c in chunks} | {c.run for c in chunks} | {one.event for one in visits[YARD]}
    return [YARD.encode(), OWN[YARD].encode(), *(one.encode() for one in sorted(ids))]


def _callers(core: Core) -> dict[str, Caller]:
    users, now = Users(core.db), core.clock.now_us()
    play = {Permission.LIVE, Permission.PLAYBACK}
    everything = frozenset(Scope)
    admin = users.add("ada", Role.ADMIN, now)
    cookie = Logins(core.db, 24 * HOUR, 240 * HOUR).begin(admin.id, now, "127.0.0.1", "a browser")
    found = [
        Caller("admin", {"Cookie": f"gatehouse={cookie}"}, everything),
        _token(core, admin.id, "admin at the gate", Role.ADMIN, everything, cameras=GATE),
        _token(core, admin.id, "plates alone", Role.ADMIN, frozenset({Scope.PLATES_READ})),
        _token(core, admin.id, "live alone", Role.ADMIN, frozenset({Scope.LIVE_VIEW}), cameras=GATE),
        add_user(core, "operator", Role.OPERATOR, None),
        add_user(core, "operator at the gate", Role.OPERATOR, {GATE: frozenset(Permission)}),
        add_user(core, "operator of the last hour", Role.OPERATOR, {GATE: frozenset(Permission)}, LAST_HOURS),
        add_user(core, "operator who watches", Role.OPERATOR, {GATE: frozenset({Permission.LIVE})}),
        add_user(core, "viewer at the gate", Role.VIEWER, {GATE: frozenset(play)}),
        add_user(core, "viewer who watches", Role.VIEWER, {GATE: frozenset({Permission.LIVE})}),
        add_user(core, "viewer of nothing", Role.VIEWER, {}),
        add_user(core, "uploader", Role.UPLOADER, {}),
    ]
    return {one.name: one for one in [*found, Caller("nobody", {}, frozenset(), {})]}


def add_user(
    core: Core,
    name: str,
    role: Role,
    grants: Mapping[str, frozenset[Permission]] | None,
    last_hours: float | None = None,
) -> Caller:
    """A user with a token for all that the role may."""
    users, now = Users(core.db), core.clock.now_us()
    user = users.add(name, role, now, all_cameras=grants is None)
    users.grant(user.id, [Grant(camera, what, last_hours) for camera, what in (grants or {}).items()])
    token = Tokens(core.db).make(user.id, name, ROLE_SCOPES[role], now)
    return Caller(name, {"Authorization": f"Bearer {token.text}"}, ROLE_SCOPES[role], grants, last_hours)


def _token(core: Core, user: str, name: str, role: Role, scopes: frozenset[Scope], cameras: str = "") -> Caller:
    """A token of a user that may do less than its user, maybe with one camera alone."""
    of = [cameras] if cameras else None
    token = Tokens(core.db).make(user, name, scopes, core.clock.now_us(), cameras=of)
    grants = {cameras: frozenset(Permission)} if cameras else None
    return Caller(name, {"X-API-Key": token.text}, scopes & ROLE_SCOPES[role], grants)
