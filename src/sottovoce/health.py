"""What this machine has, and what each extra would give: the tables of `sottovoce doctor`."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from importlib import metadata

import torch

from sottovoce.speech.checks import Table
from sottovoce.translation import voices
from sottovoce.weights.arithmetic import has_bf16

PACKAGES = ("sottovoce", "torch", "transformers", "safetensors", "numpy", "scipy", "scikit-learn", "soundfile", "soxr")

EXTRAS = {  # extra -> modules it brings, what they give
    "offline": (("ttspico", "pyworld"), "the offline translator and the demo: de, en, es, fr, it"),
    "cascade": (("sentencepiece", "pyworld"), "the translator cascade with M2M-100 or Marian"),
    "prosody": (("pyworld",), "how much prosody each translation kept, and prosody for any voice of cascade"),
    "vad": (("silero_vad", "onnxruntime"), "timeline: speech told from noise, not by its level alone"),
    "egemaps": (("opensmile",), "upstream egemaps; openSMILE: non-commercial research alone (audEERING's licence)"),
    "page": (("gradio",), "sottovoce page: upload or speak in the browser"),
    "onnx": (("onnx", "onnxruntime", "onnxscript"), "sottovoce export: a model that runs without Sottovoce"),
    "ray": (("ray",), "--executor ray: many processes, or the nodes of a cluster"),
    "espeak": (("espeakng_loader", "pyworld"), "the offline translator in a hundred more languages (GPL-3 library)"),
}


def tables() -> list[Table]:
    """Versions, devices, extras and voices."""
    return [_versions(), _devices(), _extras(), _voices()]


def _versions() -> Table:
    rows = [("python", platform.python_version()), *((name, metadata.version(name)) for name in PACKAGES)]
    return Table("Versions", ("package", "version"), tuple(rows))


def _devices() -> Table:
    free_gb = shutil.disk_usage(".").free / 1e9
    rows = [("cpu", f"{os.cpu_count()} cores", _bf16(torch.device("cpu")))]
    for i in range(torch.cuda.device_count()):
        rows.append((f"cuda:{i}", torch.cuda.get_device_name(i), _bf16(torch.device("cuda", i))))
    if not torch.cuda.is_available():
        rows.append(("cuda", "no GPU that torch can use", "everything runs on the processor"))
    rows.append(("disk", f"{free_gb:.0f} GB free here", "features of Whisper-base take 0.05 MB a second of sound"))
    return Table("Devices", ("device", "what", "note"), tuple(rows))


def _bf16(device: torch.device) -> str:
    return "bf16 in matrix products" if has_bf16(device) else "no bf16 units: fp32 in matrix products"


def _extras() -> Table:
    rows = []
    for extra, (modules, gives) in EXTRAS.items():
        here = all(importlib.util.find_spec(module) is not None for module in modules)
        rows.append((extra, "here" if here else f"pip install 'sottovoce[{extra}]'", gives))
    return Table("Extras", ("extra", "state", "gives"), tuple(rows))


def _voices() -> Table:
    rows = [
        (
            engine.title,
            engine.version or "not installed",
            engine.licence,
            str(len(engine.voices)) if engine.installed else "",
        )
        for engine in voices.engines()
    ]
    return Table("Voices", ("engine", "version", "licence", "languages"), tuple(rows))
