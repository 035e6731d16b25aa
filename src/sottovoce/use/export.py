"""A model as one ONNX graph: a waveform in, calibrated probabilities out, nothing of Sottovoce needed to run it."""

from __future__ import annotations

import json
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sottovoce.errors import SottovoceError
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.store.atomic import full_disk_or
from sottovoce.use.answering import Model, require_emotions
from sottovoce.use.generalist import GeneralistModel
from sottovoce.use.model import README, EmotionModel

WAVEFORM, PROBABILITIES = "waveform", "probabilities"
"""Names of the input, float32 `[n]`, and of the output, float32 `[K]`."""

TOLERANCE = 1e-3
"""A file whose probabilities differ by more from the model's is not written; by a hundredth of that is usual."""

_LARGEST = 1.8e9
"""Bytes of weights that one file of protocol buffers can hold, with room for the graph."""

_CHECKED_S = (0.5, 1.2345, 4.0)


def export(model: Model, folder: Path, to: Path, *, int8: bool = False) -> float:
    """Write a model as an ONNX file, and hold it against the model in onnxruntime.

    Args:
        model: in fp32, on the processor.
        folder: its own, where the card lies.
        to: the file. Weights of more than 1.8 GB go to a second one beside it, which ends in `.data`.
        int8: round the weights of matrix products to 8 bits, and their inputs as they come.

    Returns:
        The largest difference of a probability from the model's own, on three sounds of noise.

    Raises:
        SottovoceError: the model says measures, the extra `onnx` is not installed, the disk is full, or the
            probabilities differ by more than `TOLERANCE` (with `int8` whatever they differ by is returned).
        UpstreamError: the upstream cannot be exported.
    """
    _require()
    require_emotions(model, "the exported graph")
    graph = _Whole(model).eval()
    facts = _facts(model, graph, folder, int8)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as made, _quiet():
            _write(graph, Path(made) / to.name, facts, int8)
            difference = _difference(model, Path(made) / to.name)
            if not int8 and not difference <= TOLERANCE:
                raise SottovoceError(
                    f"the exported graph gives other probabilities than the model, by up to {difference:.2g}, so it is "
                    "not written. Please report this with the versions that sottovoce doctor prints"
                )
            for part in sorted(Path(made).iterdir(), reverse=True):  # the graph itself last
                part.replace(to.parent / part.name)
    except OSError as problem:
        raise full_disk_or(problem, to) from problem
    return difference


class _Whole(torch.nn.Module):
    """From a waveform `[n]` to probabilities `[K]`: upstream, head, temperature."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.upstream = model.upstream.graph()
        self.head: torch.nn.Module
        if isinstance(model, EmotionModel):
            self.head = _HeadGraph(model)
        elif isinstance(model, GeneralistModel):
            self.head = _ClassifierGraph(model)
        else:
            raise TypeError(f"no graph is known of {type(model).__name__}")

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        return self.head(self.upstream(waveform))


class _HeadGraph(torch.nn.Module):
    """`learning.head.Head` and the temperature."""

    w1: torch.Tensor
    b1: torch.Tensor
    w2: torch.Tensor
    b2: torch.Tensor
    mix: torch.Tensor

    def __init__(self, model: EmotionModel) -> None:
        super().__init__()
        for name, tensor in model.head.tensors().items():
            self.register_buffer(name, tensor)
        self.n_parts = 0 if model.head.mix is None else len(torch.atleast_2d(model.head.mix))
        self.temperature = model.reliance.temperature

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        heard = [frames]
        if self.n_parts:  # by sums: quantisation would round a product of matrices
            weights = torch.softmax(torch.atleast_2d(self.mix), 1)
            heard = [(frames * weights[part][:, None]).sum(1) for part in range(self.n_parts)]
        parts = zip(heard, self.w1.tensor_split(len(heard), 1), self.b1.tensor_split(len(heard)), strict=True)
        hidden = torch.cat([torch.relu(mixed @ w + b).mean(0) for mixed, w, b in parts])
        return torch.softmax((hidden @ self.w2 + self.b2) / self.temperature, dim=-1)


class _ClassifierGraph(torch.nn.Module):
    """A generalist's."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, model: GeneralistModel) -> None:
        super().__init__()
        self.register_buffer("weight", model.weight)
        self.register_buffer("bias", model.bias)
        self.shares = model.shares

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        logits = self.weight @ frames.mean(0) + self.bias
        return logits.sigmoid() if self.shares else torch.softmax(logits, dim=-1)


def _write(graph: _Whole, path: Path, facts: dict[str, str], int8: bool) -> None:
    import onnx

    length = torch.export.Dim("samples", min=RATE_HZ // 10, max=3600 * RATE_HZ)
    with torch.no_grad():
        program = torch.onnx.export(
            graph,
            (torch.from_numpy(_noise(1.0)),),
            dynamo=True,
            input_names=[WAVEFORM],
            output_names=[PROBABILITIES],
            dynamic_shapes=({0: length},),
            verbose=False,
        )
    assert program is not None
    sizes = [tensor.nbytes for tensor in graph.state_dict().values()]
    program.save(str(path), external_data=sum(sizes) > _LARGEST)
    proto = onnx.load(str(path), load_external_data=False)
    del proto.graph.value_info[:]  # shapes on the way, which rounding would contradict
    onnx.helper.set_model_props(proto, facts)
    onnx.save(proto, str(path))
    if int8:
        _round(path, large=sum(sizes) / 3 > _LARGEST)
    onnx.checker.check_model(str(path))


def _round(path: Path, *, large: bool) -> None:
    """Replace a graph by one whose matrix products with weights are of 8-bit numbers."""
    from onnxruntime.quantization import quantize_dynamic

    exact = path.rename(path.with_name("exact.onnx"))
    # the other operations lose more than they gain: convolutions have no fast kernel for inputs rounded as they come
    quantize_dynamic(exact, path, op_types_to_quantize=["MatMul"], per_channel=True, use_external_data_format=large)
    exact.unlink()
    exact.with_name("exact.onnx.data").unlink(missing_ok=True)


def _facts(model: Model, graph: _Whole, folder: Path, int8: bool) -> dict[str, str]:
    """What the file says of itself."""
    card, longest = model.upstream.card, graph.upstream.longest
    readme = folder / README
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    return {
        "emotions": json.dumps(model.emotions, ensure_ascii=False),
        "rate_hz": str(RATE_HZ),
        "shortest_s": f"{card.shortest_s:g}",
        "longest_s": "" if longest is None else f"{longest / RATE_HZ:g}",
        "calibrated": str(model.reliance is not None).lower(),
        "answers": json.dumps([dict(vars(each)) for each in model.reliance.steps] if model.reliance else []),
        "weights": "int8" if int8 else "fp32",
        "digest": model.digest,
        "upstream": f"{card.name} {card.weights}" if "/" not in card.weights[:1] else card.name,
        "upstream_revision": card.revision,
        "upstream_licence": card.licence,
        "licence": _licence(text),
        "card": text,
        "made_by": f"sottovoce {metadata.version('sottovoce')}",
    }


def _licence(card: str) -> str:
    """The model's, as the front matter of its card says."""
    front = card.split("\n---\n")[0]
    named = dict(re.findall(r"^(license|license_name): *(.+)$", front, re.MULTILINE)) if card[:4] == "---\n" else {}
    return named.get("license_name") or named.get("license") or "see card"


def _difference(model: Model, path: Path) -> float:
    sounds = [_noise(seconds) for seconds in _CHECKED_S]
    ask = session(path)
    made = np.stack([ask(sound) for sound in sounds])
    return float(np.abs(made - model.probabilities(sounds)).max())


def session(path: Path, n_threads: int = 0) -> Any:
    """An exported model in onnxruntime: a function from a waveform `[n]` to probabilities `[K]`; 0: all cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    opened = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def ask(waveform: Waveform) -> NDArray[np.float32]:
        return np.asarray(opened.run([PROBABILITIES], {WAVEFORM: waveform})[0])

    return ask


def _noise(seconds: float) -> Waveform:
    rng = np.random.default_rng(0)
    return (0.1 * rng.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def _require() -> None:
    absent = [name for name in ("onnx", "onnxruntime", "onnxscript") if find_spec(name) is None]
    if absent:
        raise SottovoceError(
            f"export needs {', '.join(absent)}, which this installation lacks: pip install 'sottovoce[onnx]'"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells developers of torch what they may improve; a user needs the errors alone."""
    loggers = [logging.getLogger(name) for name in ("", "torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
