"""The application that the commands join, and the one end of every command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from sottovoce.errors import SottovoceError
from sottovoce.show import terminal


class Verbs(TyperGroup):
    """Ends every command: a user's mistake is one clear message and exit code 1, an interruption 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; see the class."""
        try:
            return super().invoke(ctx)
        except SottovoceError as problem:
            terminal.print_error(problem)
            raise typer.Exit(1) from problem
        except OSError as problem:
            from sottovoce.store.atomic import full_disk_or

            mendable = full_disk_or(problem, Path(problem.filename or Path.cwd()))
            if mendable is problem:
                raise
            terminal.print_error(mendable)
            raise typer.Exit(1) from problem
        except KeyboardInterrupt as problem:
            terminal.print_note("interrupted: what is done is kept; the same command continues")
            raise typer.Exit(130) from problem


app = typer.Typer(
    name="sottovoce",
    cls=Verbs,
    help="Speech emotion recognition for languages with little labelled speech. Start with: sottovoce demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
