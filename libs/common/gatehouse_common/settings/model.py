"""Every setting there is, with its default and what it means; the reference page is made from here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from gatehouse_common.clock import SECOND

from .auth import AuthSettings
from .group import Group
from .limits import LimitSettings
from .live import LiveSettings
from .mqtt import MqttSettings
from .retention import RetentionSettings
from .sessions import SessionSettings
from .transcoder import TranscoderSettings
from .uploads import UploadSettings
from .values import FilePath, Fsync, HostNames, Listen, Name, Networks, OptionalFilePath, TimeOfDay, Title, ZoneName
from .webhooks import WebhookSettings


class BusSettings(Group):
    """How work is divided, if `broker_url` names a broker."""

    partitions: Literal[1, 2, 4, 8, 16] = Field(
        8,
        description="queues of each service, each with the messages of its share of the cameras: as many processes can "
        "share the work; the same for all services, and changed only while all queues are empty",
    )


class RecordingSettings(Group):
    """How footage is written."""

    chunk_seconds: float = Field(600.0, ge=1, le=3500, description="length of a chunk file, aligned to the wall clock")
    part_seconds: float = Field(0.5, ge=0.05, le=2, description="length of a part: what `kill -9` costs at most")
    fsync: Fsync = Field(
        "seconds:2", description="when the open chunk is forced to the disk: `part`, `seconds:N` or `chunk`"
    )
    keep: Literal["all", "events"] = Field(
        "all",
        description="`events` keeps only the clips of plate events, of cameras that do not say otherwise",
    )
    idle_seconds: float = Field(5.0, ge=1, le=60, description="a camera without a frame for so long is opened again")
    live_fragment_seconds: float = Field(0.07, ge=0.01, le=0.5, description="length of a live view's fragment")


class StorageSettings(Group):
    """An S3 store, if `storage_url` names one."""

    access_key: str = Field(
        "", description="access key; empty: where AWS programs look (`AWS_ACCESS_KEY_ID`, profile, role of the machine)"
    )
    secret_key: str = Field("", description="secret key; better in a file, by `GATEHOUSE_STORAGE__SECRET_KEY_FILE`")
    timeout_seconds: float = Field(20.0, ge=1, le=300, description="a server that is silent for so long is asked again")
    connections: int = Field(32, ge=4, le=1024, description="connections kept open to the server")
    redirect: bool = Field(
        False,
        description="send who asks for a stored chunk file to the server by a signed URL; the browser must reach it, "
        "and the bucket allow the site's origin (CORS)",
    )
    redirect_seconds: int = Field(3600, ge=10, le=604800, description="for how long such a URL is good")


class ServiceSettings(Group):
    """The inner address of a process: what other services and Prometheus ask. Not for browsers."""

    listen: Listen = Field(
        "", description="`host:port` to listen on, e.g. `0.0.0.0:5010`; port 0 takes a free one; empty: none"
    )
    url: str = Field("", description="how others reach it; empty: `http://` with this machine's name and the port")
    name: Name = Field(
        "",
        description="of this process, its own among all; empty: the machine, the data directory, and an id kept there",
    )
    token: str = Field(
        "", description="what services show each other; the same everywhere; better by `GATEHOUSE_SERVICE__TOKEN_FILE`"
    )


class ApiSettings(Group):
    """The web server."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(5000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    allowed_hosts: HostNames = Field(
        "",
        description="names, with commas between, that it answers to beside its addresses and this machine's own name, "
        "e.g. that of a proxy before it; `*`: any, which lets pages of others reach it",
    )
    trusted_proxies: Networks = Field(
        "",
        description="networks, with commas between, of proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are "
        "believed, e.g. `127.0.0.1/32, 172.16.0.0/12`; empty: nobody's",
    )
    threads: int = Field(72, ge=4, le=1024, description="requests answered at once; each live view holds one")
    max_live_viewers: int = Field(40, ge=1, le=1000, description="open live views; the next gets 503")
    max_event_viewers: int = Field(24, ge=1, le=1000, description="browsers that are told of events; the next gets 503")
    max_range_seconds: float = Field(21600.0, ge=1, description="longest range of one `/footage` answer")
    max_conversions: int = Field(2, ge=1, le=64, description="files of other formats made at once; the next gets 503")
    max_conversion_range_seconds: float = Field(
        3600.0, ge=1, description="longest range of an answer in another format than what is recorded"
    )
    conversion_timeout_seconds: float = Field(
        3600.0, ge=1, description="an answer that takes longer to make and to send is broken off"
    )
    compat_root: Literal["app", "record", "mjpeg"] = Field("app", description="what `/` answers")
    default_camera: str = Field("", description="camera of the routes that name none; empty: the first by id")


class DetectionSettings(Group):
    """What is looked at in the pictures of cameras, and what becomes of the plates in them."""

    frames: Literal["off", "keyframes", "activity"] = Field(
        "activity",
        description="which pictures capture gives to detectors: `activity` what moves, at the camera's resolution; "
        "`keyframes` those alone, whole; `off` none, and decodes nothing",
    )
    fps: float = Field(5.0, gt=0, le=60, description="pictures of a camera per second at most, while something moves")
    reader: Literal["none", "builtin", "onnx", "fast-alpr"] = Field(
        "builtin",
        description="what reads plates: `builtin` works offline; `onnx` with models of your own; `fast-alpr` if "
        "installed; `none` only counts pictures",
    )
    detector_model: OptionalFilePath = Field(None, description="`reader = onnx`: the network that finds plates")
    recogniser_model: OptionalFilePath = Field(None, description="`reader = onnx`: the network that reads them")
    region: Literal["", "us", "eu", "br"] = Field(
        "", description="syntaxes of plates to prefer, of cameras that have no region of their own; empty: all alike"
    )
    threshold: float = Field(
        0.5,
        ge=0,
        le=1,
        description="a read that is strictly surer opens an event and has a clip cut; cameras may differ",
    )
    workers: int = Field(1, ge=1, le=64, description="processes of a detector that read; each takes one core")
    timeout_seconds: float = Field(
        10.0, ge=0.1, le=600, description="a picture that takes longer is given up, and its process replaced"
    )
    waiting: int = Field(64, ge=1, le=10000, description="pictures that wait for a detector; then the oldest go")
    visit_seconds: float = Field(10.0, ge=1, le=600, description="a visit ends when its plate is not read for so long")
    parked_hours: float = Field(
        12.0, ge=0, le=240, description="a plate that is read again where it stood within so long is the same visit"
    )


class ClipSettings(Group):
    """Clips around plate events."""

    enabled: bool = Field(True, description="whether clips are cut")
    pre_seconds: float = Field(5.0, ge=0, le=300, description="a clip begins so long before the first read")
    post_seconds: float = Field(15.0, ge=0, le=300, description="and ends so long after the last")
    max_seconds: float = Field(300.0, ge=1, le=3500, description="then another goes on without a gap")
    late_seconds: float = Field(
        120.0,
        ge=1,
        le=86400,
        description="where only clips are kept, footage waits for so long, and `pre_seconds` more, before it goes: "
        "reads that come later than that find none",
    )

    @property
    def around_us(self) -> tuple[int, int]:
        """How long before and after a read clips reach, microseconds."""
        return round(self.pre_seconds * SECOND), round(self.post_seconds * SECOND)


class IntegritySettings(Group):
    """Signed exports."""

    signing_key_file: OptionalFilePath = Field(
        None,
        description="private key (Ed25519, PEM) that exports are signed with, the same for all processes; made if it "
        "is not there; empty: `signing_key.pem` in the data directory",
    )


class MaintenanceSettings(Group):
    """Comparing index and store by itself; `gatehouse check` does it when it is asked to."""

    check_at: TimeOfDay = Field(
        "03:30", description="when all is compared each day, to the byte, `HH:MM` of the site's zone; empty: never"
    )
    check_new_minutes: float = Field(
        60.0, ge=0, le=1440, description="so often what was stored since is compared, to the byte; 0: never"
    )
    mb_per_second: float = Field(
        50.0, ge=0, le=100000, description="files are read no faster, so that recording is not hindered; 0: any speed"
    )
    repair: bool = Field(
        False,
        description="mend what those find: index anew, make whole, or move to the quarantine; nothing is deleted",
    )


class LogSettings(Group):
    """Logs: one event a line on standard error, and to a file if one is named."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is written")
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto`: `console` on a terminal, else `json`"
    )
    file: OptionalFilePath = Field(None, description="also write JSON to this file, rotated at 10 MiB, five kept")


class SettingsModel(Group):
    """All settings of Gatehouse."""

    data_dir: FilePath = Field(Path("data"), description="where everything lives unless another setting says otherwise")
    site_name: Title = Field("", description="what the site is called, above every page; empty: Gatehouse")
    timezone: ZoneName = Field("UTC", description="the site's zone: names of files and days are in it")
    broker_url: str = Field(
        "embedded:",
        description="the bus: `embedded:` journals to `bus.db` in the data directory; RabbitMQ: "
        "`amqp://user:password@host/vhost`",
    )
    database_url: str = Field(
        "",
        description="the index: `sqlite:///path` or `mysql://user:password@host/database` (MySQL, MariaDB); "
        "empty: `gatehouse.db` in the data directory",
    )
    sealing_key: str = Field(
        "",
        description="what addresses of cameras, with their passwords, are encrypted with in the index: 32 characters "
        "or more, the same everywhere, better by `GATEHOUSE_SEALING_KEY_FILE`; empty: `sealing.key` in the data "
        "directory, and with `database_url` they are not encrypted",
    )
    storage_url: str = Field(
        "",
        description="the store: `file:///path`, or `s3://bucket/prefix?endpoint=http://host:9000&region=us-east-1` of "
        "any S3 server; empty: the data directory",
    )
    storage: StorageSettings = Field(default_factory=StorageSettings)
    bus: BusSettings = Field(default_factory=BusSettings)
    recording: RecordingSettings = Field(default_factory=RecordingSettings)
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    detection: DetectionSettings = Field(default_factory=DetectionSettings)
    clips: ClipSettings = Field(default_factory=ClipSettings)
    live: LiveSettings = Field(default_factory=LiveSettings)
    sessions: SessionSettings = Field(default_factory=SessionSettings)
    uploads: UploadSettings = Field(default_factory=UploadSettings)
    transcoder: TranscoderSettings = Field(default_factory=TranscoderSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    integrity: IntegritySettings = Field(default_factory=IntegritySettings)
    maintenance: MaintenanceSettings = Field(default_factory=MaintenanceSettings)
    log: LogSettings = Field(default_factory=LogSettings)
