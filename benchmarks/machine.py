"""What every benchmark states: the machine, and the rate at which it multiplies matrices."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from sottovoce.weights.arithmetic import has_bf16

console = Console(width=120, highlight=False)


def device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def processor() -> str:
    """The name of the device in words."""
    if device().type == "cuda":
        return torch.cuda.get_device_name()
    names = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor() or "unknown processor"


def state_machine() -> None:
    """Print what the figures below were measured on."""
    bf16 = "yes" if has_bf16(device()) else "no: it is emulated, fp32 is used"
    busy = f", load {os.getloadavg()[0]:.1f} before the start" if hasattr(os, "getloadavg") else ""
    print(f"{processor()}, {os.cpu_count()} cores{busy}; bf16 products: {bf16}; torch {torch.__version__}")


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call, the GPU's queue included."""
    begin = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def gflops(m: int, k: int, n: int, dtype: torch.dtype, repeats: int = 5) -> float:
    """Best measured rate of `[m, k] @ [k, n]` in 1e9 operations a second; a multiplication and an addition are two."""
    A, B = torch.randn(m, k, device=device()).to(dtype), torch.randn(k, n, device=device()).to(dtype)
    torch.mm(A, B)  # the first call prepares
    return 2e-9 * m * k * n / min(timed(lambda: torch.mm(A, B)) for _ in range(repeats))


def table(title: str, columns: list[str], rows: list[list[object]]) -> None:
    """Print rows, the first column to the left and figures to the right."""
    drawn = Table(title=title, title_justify="left")
    for i, name in enumerate(columns):
        drawn.add_column(name, justify="right" if i else "left")
    for row in rows:
        drawn.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row))
    console.print(drawn)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
