"""The bus on RabbitMQ. Import it only where such a broker was chosen: it needs pika."""

import logging

from .bus import RabbitBus

# It tells each attempt in a dozen lines; what is wrong is told once, in our words, by link.py.
logging.getLogger("pika").setLevel(logging.CRITICAL)

__all__ = ["RabbitBus"]
