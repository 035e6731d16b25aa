"""Options that several commands share, and what they come to: where a command works, and how."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sottovoce.show import terminal

if TYPE_CHECKING:
    from sottovoce.experiment.place import Place

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors alone.")]
StoreFolder = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="What is kept between runs: a folder, or a URI such as s3://bucket/store. "
        "\\[default: runs/.store or $SOTTOVOCE_STORE]",
    ),
]
Executor = Annotated[
    Literal["serial", "process", "ray"], typer.Option(help="One process, several, or the nodes of a Ray cluster.")
]
Workers = Annotated[int, typer.Option(help="Of `process` and `ray`; 0: one a core, or one a GPU share.", min=0)]
ShardSize = Annotated[
    int | None,
    typer.Option(
        help="Utterances that are done, kept and, after a crash, repeated together. \\[default: 128]", min=64, max=512
    ),
]
GpusPerWorker = Annotated[
    float | None, typer.Option("--gpus-per-worker", help="0.5: two workers share a GPU.", min=0.01)
]
RayAddress = Annotated[
    str | None, typer.Option("--ray-address", help="A running cluster: auto, or host:port. \\[default: a local one]")
]
Slice = Annotated[str | None, typer.Option("--slice", help="K/N: do the Kth of N equal parts, for job arrays.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto: a GPU where there is one.")]
ModelFolder = Annotated[
    Path, typer.Argument(help="A model's folder, the run's that left it, or user/name of the Hugging Face hub.")
]
UpstreamWeights = Annotated[
    str | None,
    typer.Option("--weights", help="Where the upstream's weights lie, if not where they were in training."),
]
AllowDownload = Annotated[
    bool, typer.Option("--allow-download", help="Fetch the model and its upstream from the Hugging Face hub.")
]
Changes = Annotated[list[str] | None, typer.Option("--set", help="Change a setting: training.epochs=5. Repeatable.")]


def place(
    store: str | None,
    executor: str = "serial",
    workers: int = 0,
    device: str = "auto",
    *,
    part: str | None = None,
    shard_size: int | None = None,
    gpus_per_worker: float | None = None,
    ray_address: str | None = None,
) -> Place:
    """Where a command works, and how."""
    from sottovoce.experiment.place import Place
    from sottovoce.store.artefacts import Store
    from sottovoce.store.shards import Execution

    if ray_address is not None and executor != "ray":
        raise typer.BadParameter("is for --executor ray", param_hint="--ray-address")
    root = store or os.environ.get("SOTTOVOCE_STORE", "runs/.store")
    execution = Execution(
        executor,
        workers,
        part=_part(part),
        gpus_per_worker=gpus_per_worker,
        gpus=_gpus(),
        ray_address=ray_address,
    )
    if shard_size is not None:
        execution = replace(execution, shard_size=shard_size)
    return Place(Store(root), execution, device_of(device))


def device_of(name: str) -> str:
    """What `--device` comes to: `cpu` or `cuda`."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def _gpus() -> tuple[str, ...]:
    """This machine's, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    numbers = chosen.split(",") if chosen else map(str, range(torch.cuda.device_count()))
    return tuple(numbers) if torch.cuda.is_available() else ()


def _part(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    k, _, n = text.partition("/")
    if not (k.isdigit() and n.isdigit() and 1 <= int(k) <= int(n)):
        raise typer.BadParameter(f"'{text}': write K/N with K from 1 to N, for example 2/8", param_hint="--slice")
    return int(k), int(n)


def progress(quiet: bool) -> Any:
    """Bars, or nothing."""
    from sottovoce.store.progress import Quiet as Silent

    return Silent() if quiet else terminal.Bars()
