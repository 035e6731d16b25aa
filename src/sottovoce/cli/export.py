"""The command that writes a model for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sottovoce.cli.options import Quiet, UpstreamWeights
from sottovoce.cli.verbs import app
from sottovoce.show import terminal


@app.command()
def export(
    model: Annotated[Path, typer.Argument(help="A model's folder, or the run's that left it.")],
    to: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("model.onnx"),
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights of matrix products in 8 bits: smaller and mostly faster.")
    ] = False,
    weights: UpstreamWeights = None,
    quiet: Quiet = False,
) -> None:
    """Write a model as one ONNX file that runs without Sottovoce: 16 kHz mono in, calibrated probabilities out.

    The file is held against the model in onnxruntime before it is kept. Its metadata name the emotions, the rate, the
    licences and the rule of being unsure, and hold the model card. Needs the extra `onnx`.

    Example: sottovoce export runs/demo -o demo.onnx
    """
    from sottovoce.speech.audio import RATE_HZ
    from sottovoce.use import model as models
    from sottovoce.use.export import export as write

    folder = models.find(model)
    loaded = models.load(folder, weights=weights, precision="fp32")
    difference = write(loaded, folder, to, int8=int8)
    terminal.print_line(f"model: {to} ({to.stat().st_size / 1e6:.1f} MB)")
    if not quiet:
        terminal.print_note(
            f"onnxruntime's probabilities differ from the model's by at most {difference:.1e} on three sounds of noise"
        )
        if longest := loaded.upstream.graph().longest:
            terminal.print_note(f"it takes recordings of up to {longest / RATE_HZ:g} s: cut longer ones")
