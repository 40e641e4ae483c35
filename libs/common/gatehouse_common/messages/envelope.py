"""The envelope that every message shares, and its form on the wire: UTF-8 JSON."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import new_id

from .fields import CameraId, Moment

_registry: dict[str, type[Message]] = {}


class Message(BaseModel):
    """Base of all messages: what happened, to which camera, and when.

    Fields that a reader does not know are ignored, so a newer writer may add some; a change that an older
    reader would misunderstand raises ``VERSION``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    TYPE: ClassVar[str] = ""
    VERSION: ClassVar[int] = 1

    id: str = Field(default_factory=new_id, description="UUIDv7; a redelivered message keeps it")
    camera: CameraId = Field(description="id of the camera it speaks of")
    time_us: Moment = Field(description="when the thing it speaks of happened, microseconds UTC")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.TYPE:
            _registry[cls.TYPE] = cls

    @property
    def routing_key(self) -> str:
        """``{type}.{camera}``: what a broker routes by."""
        return f"{self.TYPE}.{self.camera}"


def encode(message: Message) -> bytes:
    """Return the message as JSON, with its type and version."""
    fields = message.model_dump(mode="json")
    return json.dumps({"type": message.TYPE, "version": message.VERSION, **fields}, separators=(",", ":")).encode()


def decode(data: bytes | memoryview) -> Message:
    """Return the message that ``data`` holds.

    Values are taken as they are written: a number inside quotes is not a number.

    Raises:
        InvalidInput: it is no JSON object, or its type, version or a field is not what this reader knows;
            the sentence says which, for the dead-letter queue.
    """
    body = bytes(data)
    try:
        fields = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidInput("the body is not a JSON object")
    kind, version = fields.get("type"), fields.get("version")
    model = _registry.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise InvalidInput(f"unknown message type {str(kind)[:60]!r}")
    if type(version) is not int or version != model.VERSION:
        raise InvalidInput(f"{model.TYPE} has version {str(version)[:20]!r}, this reader knows {model.VERSION}")
    try:
        message = model.model_validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{model.TYPE}: field {where!r}: {first['msg']}", where) from error
    if "id" not in fields:
        raise InvalidInput(f"{model.TYPE}: field 'id': a message without one would be new at every delivery", "id")
    return message
