"""What a result was computed with."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

import torch

PACKAGES = ("sottovoce", "torch", "transformers", "numpy", "scipy", "scikit-learn", "soxr", "soundfile", "pyarrow")


def environment(device: str) -> dict[str, Any]:
    """Versions, machine and device, for `results.json`."""
    place = torch.device(device)
    return {
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name(place) if place.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
    }
