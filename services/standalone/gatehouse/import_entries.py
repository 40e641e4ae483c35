"""What a ``recording_index.json`` lists: of another program, or of another Gatehouse (S1-16)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gatehouse_common.errors import InvalidInput, from_os_error
from gatehouse_common.settings import Settings
from gatehouse_common.timefmt import parse, zone


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording that an index lists."""

    name: str
    path: Path
    start_us: int
    end_us: int


def read_entries(file: Path, settings: Settings) -> list[Entry]:
    """Return what an index lists, by start; paths in it are relative to it, or to the folder above.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is not a recording index.
    """
    tz = zone(settings.values.timezone)
    try:
        listed = json.loads(file.read_bytes())
        entries = [
            Entry(
                str(name),
                _find(file, str(fields["file_path"])),
                parse(str(fields["start_time"]), tz, "start_time"),
                parse(str(fields["end_time"]), tz, "end_time", fold=1),
            )
            for name, fields in listed.items()
        ]
    except OSError as error:
        raise from_os_error(error, f"reading {file}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{file} is not a recording index ({error!r}): it maps files to file_path, start_time, end_time..."
        ) from error
    return sorted(entries, key=lambda e: (e.start_us, e.name))


def _find(index: Path, named: str) -> Path:
    path = Path(named)
    places = [path] if path.is_absolute() else [index.parent / path, index.parent.parent / path, path]
    return next((p for p in places if p.is_file()), places[0])
