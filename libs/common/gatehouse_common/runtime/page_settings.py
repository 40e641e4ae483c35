"""Settings as they are by now: those of the start, and over them what an admin has set on the page since."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Facts
from gatehouse_common.errors import GatehouseError, InvalidInput
from gatehouse_common.settings import Settings, SettingsModel, site_zone
from gatehouse_common.settings.changeable import CHANGEABLE, is_free, overlaid, value_of

from .core import Core
from .site import SET_ON_PAGE

log = structlog.get_logger(__name__)

_OF_ONE_RULE = frozenset({"sessions.total_seconds", "sessions.chunk_seconds"})
"""A file is no longer than its recording: where one of the two is said elsewhere, the other may not fit any more."""
_AGAIN_US = 2 * SECOND
"""A change that another process was told of is seen here within so long."""


class PageSettings:
    """Reads what was set from the index, now and then, and keeps what is set.

    While the index is away what was known last goes on. May be used from any thread.

    Args:
        core: the settings of the start, the index, the time.
    """

    def __init__(self, core: Core) -> None:
        self._start, self._clock, self._facts, self._site = core.settings, core.clock, Facts(core.db), core.site
        self._lock = threading.Lock()
        self._now = core.settings
        self._read_us: int | None = None

    @property
    def settings(self) -> Settings:
        """All settings, and where each comes from."""
        now = self._clock.monotonic_us()
        with self._lock:
            if self._read_us is not None and now - self._read_us < _AGAIN_US:
                return self._now
            self._read_us = now
        try:
            self._now = overlaid(self._start, self._told())
        except GatehouseError as error:
            log.debug("settings were not read", reason=error.message)
        else:
            self._follow(self._now.values)
        return self._now

    def _follow(self, values: SettingsModel) -> None:
        """Have everything in this process go by the site's zone, and its place for sessions, from now on."""
        if str(self._site.zone) != values.timezone:
            log.info("times are those of another zone from now on", zone=values.timezone, before=str(self._site.zone))
            self._site.zone = site_zone(values.timezone)
        if self._site.session_path != values.sessions.path:
            log.info("files of sessions go elsewhere from now on", path=values.sessions.path)
            self._site.session_path = values.sessions.path

    def refresh(self) -> None:
        """Read what was set, if that is due: once somebody does so, ``known`` is what is in force."""
        _ = self.settings

    @property
    def known(self) -> SettingsModel:
        """All settings as they were read last: for who must not wait for an index that does not answer."""
        return self.settings.values if self._read_us is None else self._now.values

    @property
    def values(self) -> SettingsModel:
        """All settings."""
        return self.settings.values

    def check(self, told: Mapping[str, Any]) -> SettingsModel:
        """Return the settings as they would be if values were kept, by dotted names; nothing is.

        Raises:
            InvalidInput: one of them is wrong.
        """
        return overlaid(self._start, {**self._told(), **self._free(told)}).values

    @property
    def at_start(self) -> SettingsModel:
        """The settings without what was set on the page."""
        return self._start.values

    def save(self, told: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Keep values, by dotted names; of a setting that is not the page's nothing is kept.

        Returns:
            What changed: from what, to what.

        Raises:
            InvalidInput: one of them is wrong; nothing was kept.
        """
        before = overlaid(self._start, self._told())
        after = overlaid(self._start, {**self._told(), **self._free(told)})
        changed = self._differences(before, after)
        kept = {SET_ON_PAGE + name: json.dumps(value) for name, (_, value) in changed.items()}
        self._facts.change(kept, self._clock.now_us())
        self._forget_what_was_read()
        self.refresh()
        return changed

    def reset(self) -> dict[str, tuple[Any, Any]]:
        """Forget all that was set on the page; return what changed."""
        changed = self._differences(overlaid(self._start, self._told()), self._start)
        self._facts.change({SET_ON_PAGE + name: None for name in self._told()}, self._clock.now_us())
        self._forget_what_was_read()
        self.refresh()
        return changed

    def _free(self, told: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in told.items() if is_free(self._start, name)}

    def _told(self) -> dict[str, Any]:
        """Return what was set, but for what this version does not take."""
        kept = {name: text for name, text in self._facts.beginning(SET_ON_PAGE).items() if name in CHANGEABLE}
        while True:
            try:
                told = {name: json.loads(text) for name, text in kept.items()}
                overlaid(self._start, told)
            except (InvalidInput, ValueError) as error:
                field = error.field if isinstance(error, InvalidInput) else ""
                log.warning("what was set on the page does not fit any more", setting=field, reason=str(error))
                gone = {field} if field in kept else _OF_ONE_RULE & kept.keys() or set(kept)
                kept = {name: text for name, text in kept.items() if name not in gone}
            else:
                return told

    @staticmethod
    def _differences(before: Settings, after: Settings) -> dict[str, tuple[Any, Any]]:
        pairs = {name: (value_of(before, name), value_of(after, name)) for name in CHANGEABLE}
        return {name: (old, new) for name, (old, new) in pairs.items() if old != new}

    def _forget_what_was_read(self) -> None:
        with self._lock:
            self._read_us = None
