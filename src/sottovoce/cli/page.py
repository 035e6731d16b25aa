"""The command that serves a page on which people have a model listen."""

from __future__ import annotations

import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from sottovoce.cli.options import AllowDownload, Device, ModelFolder, UpstreamWeights, device_of
from sottovoce.cli.timeline import tell_of_level
from sottovoce.cli.verbs import app
from sottovoce.show import terminal

OWN = ("127.0.0.1", "localhost", "::1")


@app.command()
def page(
    model: ModelFolder,
    host: Annotated[str, typer.Option(help="0.0.0.0: whoever can reach this machine may use the page.")] = OWN[0],
    port: Annotated[int, typer.Option(help="0: any that is free.", min=0, max=65535)] = 7860,
    longest_s: Annotated[float, typer.Option("--longest", help="Seconds of a recording at most.")] = 600.0,
    largest_mb: Annotated[int, typer.Option("--largest", help="Megabytes of a file at most.")] = 100,
    at_once: Annotated[int, typer.Option(help="Recordings heard at the same time; others wait.", min=1)] = 1,
    window_s: Annotated[float, typer.Option("--window", help="As of sottovoce timeline.")] = 3.0,
    hop_s: Annotated[float, typer.Option("--hop", help="As of sottovoce timeline.")] = 1.0,
    smooth: Annotated[int, typer.Option(help="As of sottovoce timeline.")] = 3,
    shortest_s: Annotated[float, typer.Option("--shortest", help="As of sottovoce timeline.")] = 1.0,
    speech: Annotated[
        Literal["auto", "silero", "level", "all"], typer.Option(help="As of sottovoce timeline.")
    ] = "auto",
    weights: UpstreamWeights = None,
    allow_download: AllowDownload = False,
    device: Device = "auto",
) -> None:
    """A page in the browser: upload or speak, and see the emotion of the whole and over time.

    Nothing leaves this machine: no fonts, scripts or statistics of others, and what is uploaded is removed again.

    Example: sottovoce page runs/demo
    """
    from sottovoce.page.hearing import Listening
    from sottovoce.page.serving import serve
    from sottovoce.use import model as models
    from sottovoce.use.answering import require_emotions
    from sottovoce.use.timeline import Manner
    from sottovoce.use.windows import Grid

    listening = Listening(Manner(Grid(window_s, hop_s), smooth, shortest_s), speech, longest_s, largest_mb)
    folder = models.find(model, allow_download=allow_download)
    judge = models.load(folder, device=device_of(device), weights=weights, allow_download=allow_download)
    require_emotions(judge, "sottovoce page")
    tell_of_level(speech)
    if host not in OWN:
        terminal.print_note(
            f"warning: whoever can reach {host} may use this page: it asks for no password and is not encrypted"
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else uploads would stay behind
    with suppress(KeyboardInterrupt):  # the usual end
        serve(
            judge,
            _name(folder.absolute()),
            _card(folder),
            listening,
            host=host,
            port=port,
            at_once=at_once,
            on_ready=lambda address: terminal.print_line(f"{address}   Ctrl-C ends"),
        )


def _name(folder: Path) -> str:
    """A run's model is called after the run."""
    return folder.parent.name if folder.name == "model" else folder.name


def _card(folder: Path) -> str:
    """The model's card, without the lines above it that are for programs."""
    path = folder / "README.md"
    if not path.is_file():
        return "This model came without a card."
    return re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8", errors="replace"), flags=re.DOTALL)
