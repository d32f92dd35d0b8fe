"""Groups of commands: what they say to a name that does not exist, and how they end when the user ends them."""

import difflib
import os
import sys
from typing import Any

import click

#: What shells expect of a program that Ctrl-C ended (128 + SIGINT), or whose reader went away (128 + SIGPIPE).
INTERRUPTED, READER_GONE = 130, 141


class Commands(click.Group):
    """A group that proposes the nearest names for one that it does not have."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; raises UsageError for a name that no command has."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"There is no command {name}.{hint}")
        return super().resolve_command(ctx, args)


def ended_plainly(ctx: click.Context, command: Any) -> Any:
    """Call `command`. Ctrl-C and a closed pipe become their exit codes, and at most one line on stderr."""
    try:
        result = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        ctx.exit(INTERRUPTED)
    except BrokenPipeError:
        # Python flushes stdout once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ctx.exit(READER_GONE)
    return result


def examples(*lines: str) -> str:
    """The end of a command's `--help`: lines to type, as they are."""
    return "\n".join(["\b", "Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])
