"""What a device refuses, as what somebody can do about it."""

from __future__ import annotations

import errno

from gatehouse_common.errors import SourceUnavailable


class DeviceMissing(SourceUnavailable):
    """There is no such device, or it is none that gives pictures."""


class DeviceBusy(SourceUnavailable):
    """Another program uses the device."""


def explain_device(error: OSError, path: str) -> SourceUnavailable:
    """Translate what the kernel says into what somebody can do about it."""
    if error.errno == errno.EBUSY:
        return DeviceBusy(f"{path} is in use by another program")
    if error.errno in {errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENOTDIR}:
        return DeviceMissing(f"{path} is not there")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return SourceUnavailable(f"{path} may not be opened by this user: add it to the group 'video'")
    return SourceUnavailable(f"{path} failed: {error.strerror or error}")
