"""How services are built, run and watched."""

from .core import Core
from .footprint import keep_small
from .job_news import tell_job
from .lock import DataLock
from .page_settings import PageSettings
from .service import Build, Check, Service
from .settings_follower import SettingsFollower
from .shared_queue import SharedQueue
from .site import zone_in_force
from .supervisor import Supervisor

__all__ = [
    "Build",
    "Check",
    "Core",
    "DataLock",
    "PageSettings",
    "Service",
    "SettingsFollower",
    "SharedQueue",
    "Supervisor",
    "keep_small",
    "tell_job",
    "zone_in_force",
]
