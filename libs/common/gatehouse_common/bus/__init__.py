"""How services speak: the port, and the adapters for one process."""

from .port import Bus, DeadLetter, Delivery, Handler, Subscription

__all__ = ["Bus", "DeadLetter", "Delivery", "Handler", "Subscription"]
