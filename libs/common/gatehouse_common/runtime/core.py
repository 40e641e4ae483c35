"""What every service is built from; the only place where adapters are chosen."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from gatehouse_common.bus import Bus
from gatehouse_common.bus.transient import TransientTopics
from gatehouse_common.clock import Clock, SystemClock
from gatehouse_common.db import Database, FootageReader
from gatehouse_common.errors import from_os_error
from gatehouse_common.observability.secrets import register_secret, register_url
from gatehouse_common.settings import Settings, site_zone
from gatehouse_common.storage import LocalStore, MediaReader, ObjectStore, Spools

from .buses import open_bus
from .index import open_index
from .process_name import process_name
from .site import Site
from .stores import open_store

if TYPE_CHECKING:
    from .inner_address import InnerAddress  # what it is made of is loaded only where there is one


_SIGN_S = 3


@dataclass(frozen=True, slots=True)
class Core:
    """Settings, and the adapters that they choose.

    Attributes:
        settings: the settings.
        bus: how services speak.
        store: where published objects are.
        spool: where open chunks are: a directory of this machine, with the same kind of keys.
        spools: this machine's spool, and those of capture workers elsewhere.
        media: reads from spools and store.
        live: live view inside this process; over a broker it never goes.
        inner: where other machines ask this process, None if they do not.
        db: the index; opened lazily, so that recording never waits for it.
        signs: the index, for signs of life: it is away sooner than others take us for dead.
        clock: the time.
        site: the site's zone, and where files of sessions go, which may change.
    """

    settings: Settings
    bus: Bus
    store: ObjectStore
    spool: LocalStore
    spools: Spools
    media: MediaReader
    live: TransientTopics
    inner: InnerAddress | None
    db: Database
    signs: Database
    clock: Clock
    site: Site

    @classmethod
    def open(cls, settings: Settings, clock: Clock | None = None, inner: InnerAddress | None = None) -> Self:
        """Choose and open the adapters, and declare every durable queue.

        Args:
            settings: the settings.
            clock: the time; None: the system's.
            inner: where other machines ask this process.

        Raises:
            InvalidInput: a URL is of a kind that is not supported.
            GatehouseError: the data directory cannot be used.
        """
        time = clock or SystemClock()
        values = settings.values
        for url in (values.broker_url, values.database_url, values.storage_url):
            register_url(url)
        for secret in (
            values.service.token,
            values.auth.proxy_secret,
            values.auth.admin_password,
            values.sealing_key,
        ):
            register_secret(secret)
        zone = site_zone(values.timezone)
        data = values.data_dir.absolute()
        spool = LocalStore(data)
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise from_os_error(error, f"making the data directory {data}") from error
        with ExitStack() as opened:
            db = open_index(settings)
            opened.callback(db.close)
            signs = open_index(settings, _SIGN_S)
            opened.callback(signs.close)
            bus = open_bus(settings, time)
            opened.callback(bus.close)
            store = open_store(settings)
            opened.pop_all()
        spools = Spools(spool, inner.url if inner else "", values.service.token)
        media = MediaReader(spools, store, FootageReader(db).spool_url)
        site = Site(zone, values.sessions.path)
        return cls(settings, bus, store, spool, spools, media, TransientTopics(), inner, db, signs, time, site)

    @property
    def zone(self) -> ZoneInfo:
        """The site's zone by now."""
        return self.site.zone

    @property
    def name(self) -> str:
        """The name of this process, of its own among all that share the work."""
        return process_name(self.settings.values.service.name, self.data_dir)

    @property
    def data_dir(self) -> Path:
        """The data directory."""
        return self.spool.root

    def close(self) -> None:
        """Close in reverse order; what fails to close does not keep the others open."""
        with ExitStack() as closing:
            closing.callback(self.spools.close)
            closing.callback(self.store.close)
            closing.callback(self.db.close)
            closing.callback(self.signs.close)
            closing.callback(self.bus.close)
            closing.callback(self.live.close)
