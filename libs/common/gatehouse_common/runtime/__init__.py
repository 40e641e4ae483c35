"""How services are built, run and watched."""

from .core import Core
from .footprint import keep_small
from .lock import DataLock
from .page_settings import PageSettings
from .service import Build, Check, Service
from .shared_queue import SharedQueue
from .supervisor import Supervisor

__all__ = ["Build", "Check", "Core", "DataLock", "PageSettings", "Service", "SharedQueue", "Supervisor", "keep_small"]
