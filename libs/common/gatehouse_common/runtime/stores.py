"""Which store the settings choose."""

from __future__ import annotations

from gatehouse_common.errors import InvalidInput
from gatehouse_common.settings import Settings
from gatehouse_common.storage import LocalStore, ObjectStore


def open_store(settings: Settings) -> ObjectStore:
    """Return the store; nothing is written, and no server is spoken to yet.

    Raises:
        InvalidInput: ``storage_url`` or the credentials are wrong, or what they need is not installed.
    """
    root = settings.storage_root
    if root is not None:
        return LocalStore(root)
    try:
        from gatehouse_common.storage.s3 import open_s3  # noqa: PLC0415 - 30 MB that a local store does not need
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"an S3 store needs {error.name}: install it with `pip install 'gatehouse[scale]'`.", "storage_url"
        ) from error
    return open_s3(settings.values.storage_url, settings.values.storage)
