"""The root of the command line: finds commands, and turns errors into one line and an exit code."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Sequence

import click

from gatehouse_common.errors import GatehouseError, Kind, SourceUnavailable
from gatehouse_common.observability.crashes import catch_crashes
from gatehouse_common.observability.secrets import mask

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up:up", "Run everything in one process: record, index, serve."),
    "camera": ("camera:camera", "Add, list, probe, switch and remove cameras."),
    "footage": ("footage:footage", "Save a range of footage as one exact file."),
    "coverage": ("coverage:coverage", "Tell how much of each camera is recorded, and why the rest is not."),
    "export": ("export:export", "Save a range of footage as a signed file that others can verify."),
    "upload": ("upload:upload", "Upload a film to a running Gatehouse, and go on where it was broken off."),
    "plates": ("plates:plates", "Look for plates that were read; read those of a picture."),
    "check": ("check:check", "Compare files and index; with --repair, mend what differs."),
    "verify": ("verify:verify", "Hold footage and exports to their digests: is it what was recorded?"),
    "signing-key": ("export:show_key", "Show the fingerprint of the key that exports are signed with."),
    "retention": ("retention:retention", "Tell what is deleted next and when; delete now what is too old."),
    "hold": ("hold:hold", "Keep footage, clips and uploads from being deleted."),
    "user": ("user:user", "Add, list, change and remove users; give one another password."),
    "token": ("token:token", "Make, list and revoke what programs show to be let in."),
    "audit": ("audit:audit", "List what was done and by whom; find out whether something was taken out."),
    "index": ("index:index", "Make the index anew from the files alone."),
    "doctor": ("doctor:doctor", "Tell whether recording would work here, and if not why."),
    "bus": ("bus:bus", "Look at messages that could not be handled; replay or drop them."),
    "db": ("database:database", "Upgrade the index, or import an older one."),
    "config": ("config:config", "Show every setting and where it comes from."),
    "openapi": ("openapi:openapi", "Print the HTTP API's OpenAPI document."),
    "run": ("run:run", "Run some services of a larger installation."),
}
"""Every command: where it is, and its line in the overview, so that ``--help`` imports none of them."""

EXIT_FAILED = 1
EXIT_WRONG = 2
_NOT_THE_USERS_FAULT = {Kind.UNAVAILABLE, Kind.CANCELLED}


class _Commands(click.Group):
    """Imports a command's module when the command is used: starting to record must not wait for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        # What modules make stays: looking through it again and again while there is ever more takes a third of a start.
        gc.disable()
        try:
            command = getattr(importlib.import_module(f"gatehouse.cli.{module}"), name)
        finally:
            gc.enable()
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="gatehouse", message="%(version)s")
def root() -> None:
    """Gatehouse keeps every second of every camera and gives back any moment of it, exactly, at once."""


def exit_code(error: GatehouseError) -> int:
    """Return 2 for what the caller can mend by asking for something else, 1 for what failed meanwhile."""
    if isinstance(error, SourceUnavailable):
        return EXIT_WRONG
    return EXIT_FAILED if error.kind in _NOT_THE_USERS_FAULT else EXIT_WRONG


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; every error is one line on standard error."""
    catch_crashes()
    try:
        code = root.main(args=args, prog_name="gatehouse", standalone_mode=False)
    except GatehouseError as error:
        _fail(error.message, exit_code(error))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "gatehouse"
        _fail(f"{error.format_message()} (see `{command} --help`)", EXIT_WRONG)
    except click.ClickException as error:
        _fail(error.format_message(), EXIT_WRONG)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped", 130)
    except BrokenPipeError:
        sys.stderr.close()  # who reads us is gone, e.g. `gatehouse camera list | head -1`
        sys.exit(EXIT_FAILED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    line = " ".join(mask(message).split())
    click.echo(f"gatehouse: {line}", err=True)
    sys.exit(code)
