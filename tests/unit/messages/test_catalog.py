"""The one table of messages, and the documents that are made from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gatehouse_common import messages
from gatehouse_common.messages import Message, RunEnded, asyncapi, encode
from gatehouse_common.messages.catalog import CATALOG, Entry, entry_of, queues
from gatehouse_common.messages.vocabulary import GapCause

DOCS = Path(__file__).resolve().parents[3] / "docs" / "messages"
SERVICES = {"capture", "segmenter", "indexer", "api", "gatehouse", "detector", "janitor", "transcoder"}


def models(base: type[Message] = Message) -> Iterator[type[Message]]:
    for model in base.__subclasses__():
        yield from models(model)
        if model.TYPE:
            yield model


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_message_is_in_the_table_once() -> None:
    listed = [entry.model for entry in CATALOG]
    assert set(listed) == set(models())
    assert len({model.TYPE for model in listed}) == len(listed)
    assert {model.__name__ for model in listed} <= set(messages.__all__)


@pytest.mark.parametrize("entry", CATALOG, ids=lambda e: e.model.TYPE)
def test_every_message_says_what_it_is_for(entry: Entry) -> None:
    assert entry_of(entry.model) is entry
    assert entry.meaning.endswith(".")
    assert set(entry.publishers) | set(entry.consumers) <= SERVICES
    assert entry.publishers
    assert entry.consumers
    unexplained = [name for name, field in entry.model.model_fields.items() if not field.description]
    assert not unexplained


def test_only_durable_types_have_queues() -> None:
    assert set(queues()) == {"indexer", "segmenter"}
    assert all(entry_of(model).durable for types in queues().values() for model in types)


def test_the_documents_are_those_of_the_code() -> None:
    made = asyncapi.documents()
    there = {p.relative_to(DOCS).as_posix(): p.read_text(encoding="utf-8") for p in DOCS.rglob("*") if p.is_file()}
    assert there == made, "docs/messages is not what the code says: run `make docs`"


def test_the_asyncapi_document_refers_to_nothing_that_is_not_there() -> None:
    document = asyncapi.asyncapi()
    for reference in set(references(document)):
        at: Any = document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]
    assert {c["address"] for c in document["channels"].values()} == {f"{e.model.TYPE}.{{camera}}" for e in CATALOG}
    assert document["operations"]["segmenter.receives.chunk.closed"]["action"] == "receive"


@pytest.mark.parametrize("entry", CATALOG, ids=lambda e: e.model.TYPE)
def test_the_schemas_are_schemas(entry: Entry) -> None:
    jsonschema.Draft202012Validator.check_schema(asyncapi.schema(entry.model))


def test_a_schema_takes_what_we_send_and_refuses_what_we_refuse() -> None:
    validator = jsonschema.Draft202012Validator(asyncapi.schema(RunEnded))
    sent = json.loads(encode(RunEnded(camera="gate", time_us=2, run="r", end_us=2, cause=GapCause.DISABLED)))
    validator.validate(sent)
    for wrong in ({"end_us": "2"}, {"cause": "boredom"}, {"version": 2}, {"camera": "Gate/.."}):
        assert not validator.is_valid({**sent, **wrong})
    for name in ("type", "version", "id", "camera", "time_us", "run", "end_us", "cause"):
        assert not validator.is_valid({k: v for k, v in sent.items() if k != name})
