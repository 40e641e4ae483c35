"""Asking services how they are, so that one that cannot answer does not hide the others."""

from __future__ import annotations

from dataclasses import replace

import structlog

from gatehouse_common.observability.secrets import mask

from .service import Check, Service

log = structlog.get_logger(__name__)


def checks_of(service: Service) -> list[Check]:
    """Return a service's checks, without secrets; one that fails to answer is itself a failed check."""
    try:
        found = service.health()
    except Exception as error:  # whatever is wrong with it, the others must still be told
        log.exception("a service could not say how it is", service=service.name)
        return [Check(service.name, ok=False, detail=f"it could not say how it is: {type(error).__name__}")]
    return [replace(check, detail=mask(check.detail)) for check in found]
