"""The ``gatehouse`` command, and all services in one process."""
