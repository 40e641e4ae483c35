"""A new password: asked for at the terminal, or read where scripts put it; never an argument, which others can see."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gatehouse_common.errors import InvalidInput, from_os_error
from gatehouse_common.observability.secrets import register_secret

F = TypeVar("F", bound=Callable[..., Any])

_LONGEST = 4096


def password_options(command: F) -> F:
    """Add ``--password-file`` and ``--password-stdin``."""
    file = click.option("--password-file", type=click.Path(path_type=Path), help="Read it from the first line of FILE.")
    stdin = click.option("--password-stdin", is_flag=True, help="Read it from the first line of standard input.")
    return file(stdin(command))


def new_hash(of: str, file: Path | None, stdin: bool) -> str:
    """Return what is kept of a new password.

    Args:
        of: the name of whose it is.
        file: where it is read from; None: from elsewhere.
        stdin: it is read from standard input; else a person is asked for it, twice and without echo.

    Raises:
        InvalidInput: it is not good enough, cannot be read, or there is nobody to ask.
        GatehouseError: the file cannot be read.
    """
    from gatehouse_common.accounts.passwords import Passwords  # noqa: PLC0415 - only who needs it waits for its libraries

    if file is not None and stdin:
        raise InvalidInput("--password-file and --password-stdin do not go together.")
    password = _ask(of) if file is None and not stdin else _first_line(file)
    register_secret(password)
    passwords = Passwords()
    passwords.check(password, of=of)
    return passwords.hash(password)


def _ask(of: str) -> str:
    if not sys.stdin.isatty():
        raise InvalidInput("there is no terminal to ask for a password at: use --password-stdin or --password-file.")
    asked: str = click.prompt(f"New password of {of}", hide_input=True, confirmation_prompt="Once more", err=True)
    return asked


def _first_line(file: Path | None) -> str:
    try:
        if file is None:
            line = sys.stdin.buffer.readline(_LONGEST)
        else:
            with file.open("rb") as opened:
                line = opened.readline(_LONGEST)
    except OSError as error:
        raise from_os_error(error, f"reading the password from {file or 'standard input'}") from error
    try:
        return line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("the password is not in UTF-8.", "password") from error
