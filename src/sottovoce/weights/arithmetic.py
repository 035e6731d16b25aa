"""Where and how exactly the numbers are computed: the device, and fp32, bf16 or fp16."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

import torch

from sottovoce.errors import WeightsError

Arithmetic = Literal["fp32", "bf16"]
Precision = Arithmetic | Literal["auto"]

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
"""What the tensors of a model that is rounded as a whole may be."""


def resolve_device(device: str) -> torch.device:
    """The device of that name.

    Raises:
        WeightsError: no such device on this machine.
    """
    try:
        resolved = torch.device(device)
    except RuntimeError as problem:
        raise WeightsError(f"{device!r} is no device; use cpu or cuda") from problem
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise WeightsError("device cuda was asked for, and torch sees no GPU here; use cpu")
    return resolved


def has_bf16(device: torch.device) -> bool:
    """Whether bf16 products run at a higher rate than fp32 on this device, rather than being emulated."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def resolve_precision(precision: Precision, device: torch.device) -> Arithmetic:
    """`auto` becomes bf16 where the processor has it and fp32 elsewhere.

    Raises:
        WeightsError: no such precision.
    """
    if precision not in ("auto", "fp32", "bf16"):
        raise WeightsError(f"precision {precision!r} is not known; use auto, fp32 or bf16")
    if precision == "auto":
        return "bf16" if has_bf16(device) else "fp32"
    return precision


def resolve_whole(precision: str, device: torch.device) -> str:
    """For a model that is rounded as a whole, as generators of speech are: a name in `DTYPES`.

    `auto` is fp32 on a processor, and on a GPU bf16 where it has that, else fp16.

    Raises:
        WeightsError: no such precision.
    """
    if precision == "auto":
        return "fp32" if device.type == "cpu" else "bf16" if has_bf16(device) else "fp16"
    if precision not in DTYPES:
        raise WeightsError(f"precision {precision!r} is not known; use auto, {', '.join(DTYPES)}")
    return precision


def place(model: torch.nn.Module, device: torch.device, arithmetic: Arithmetic) -> None:
    """Move a frozen model to its device. For bf16 its linear layers are rounded once, here, not at every call."""
    model.to(device)
    if arithmetic == "bf16":
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.to(torch.bfloat16)
            elif isinstance(module, torch.nn.Conv1d) and _is_narrow(module) and device.type == "cpu":
                _compute_exactly(module)


def _is_narrow(module: torch.nn.Conv1d) -> bool:
    """Whether oneDNN 3.12 may give noise for it in bf16 with AMX: for wide kernels, and groups of fewer channels than
    published models have. Nobody would notice."""
    return module.groups > 1 and module.in_channels // module.groups < 16


def _compute_exactly(module: torch.nn.Conv1d) -> None:
    """In fp32, within `autocast` too."""
    plain = module.forward

    def forward(X: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            return plain(X.float())

    module.forward = forward  # type: ignore[method-assign]


def autocast(device: torch.device, arithmetic: Arithmetic) -> AbstractContextManager:
    """Matrix products and convolutions in bf16, sums and normalisations in fp32; for fp32, nothing changes."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=arithmetic == "bf16")


class Cores(ThreadPoolExecutor):
    """A pool of `number` threads."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def one_core_each(device: str | torch.device) -> Iterator[Cores]:
    """Threads that each compute on one core, as many as torch would use for one product; one for a GPU.

    Cores that share a product wait for each other at the end of each operation, and on a busy or virtual machine for
    whoever else is there: with work in independent parts, two cores extracted features up to four times faster.
    """
    n_threads = torch.get_num_threads()
    with Cores(n_threads if torch.device(device).type == "cpu" else 1) as cores:
        torch.set_num_threads(1)
        try:
            yield cores
        finally:
            torch.set_num_threads(n_threads)
