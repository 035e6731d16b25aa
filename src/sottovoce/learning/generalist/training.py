"""Training the generalist with transformers' Trainer: schedule, precision, several GPUs, and going on after a crash."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch.utils.data import DataLoader

from sottovoce.errors import MissingExtra, WeightsError
from sottovoce.learning.generalist import processes
from sottovoce.learning.generalist.dataset import SpeechDataset, collate
from sottovoce.recipe.generalist import Schedule
from sottovoce.store.atomic import full_disk_or
from sottovoce.store.memory import give_back_freed_memory, keep_freed_memory
from sottovoce.upstreams.generalist_network import Generalist
from sottovoce.weights.arithmetic import resolve_device, resolve_precision
from sottovoce.weights.checkpoint import quiet_transformers

_STATE = "trainer_state.json"

_STEPS_OF_GAPS = 4
"""After so many steps freed memory is given back: no two batches are equally long, so that gaps are left at each."""

SHARES = "multi_label_classification"
"""What transformers calls outputs from 0 to 1 that need not sum to 1: its pipeline takes sigmoids then."""


def train(
    model: Generalist,
    dataset: SpeechDataset,
    schedule: Schedule,
    unfinished: Path,
    *,
    seed: int,
    device: str = "cpu",
    on_step: Callable[[int], None] = lambda n: None,
) -> list[dict[str, float]]:
    """Train in place; `unfinished` holds a checkpoint an epoch, from which the same call goes on after a crash.

    Args:
        model: from `building.build`, after `torch.manual_seed`.
        dataset: with labels.
        schedule: how.
        unfinished: a folder of this call's own. It is left to the caller to remove.
        seed: for order, masks and all else that is drawn.
        device: `cpu` or `cuda`. Under torchrun each process takes its own GPU, and its share of every batch.
        on_step: called with the number of steps done since it was last called.

    Returns:
        The Trainer's log: step, epoch, loss, learning rate.

    Raises:
        MissingExtra: accelerate is not installed.
        RecipeError: the processes of torchrun cannot share a batch.
        StoreError: the disk is full.
        WeightsError: no such device or precision here.
    """
    try:
        import accelerate  # noqa: F401
    except ImportError as problem:
        raise MissingExtra("training a generalist", "generalist") from problem
    keep_freed_memory()
    with quiet_transformers(), warnings.catch_warnings(), _full_disk_said(unfinished):
        warnings.simplefilter("ignore")  # of transformers and accelerate about each other
        trainer = _trainer(model, dataset, schedule, unfinished, seed, device, on_step)
        trainer.train(resume_from_checkpoint=_last_whole(unfinished))
    processes.wait()  # until nobody writes into `unfinished` any more
    return [entry for entry in trainer.state.log_history if "loss" in entry]


def _trainer(
    model: Generalist,
    dataset: SpeechDataset,
    schedule: Schedule,
    unfinished: Path,
    seed: int,
    device: str,
    on_step: Callable[[int], None],
) -> Any:
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    class Watch(TrainerCallback):
        """Tells the dataset which epoch it is, and whoever watches how far training is."""

        _told = 0

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            dataset.set_epoch(int(state.epoch))

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            on_step(state.global_step - self._told)
            self._told = state.global_step
            if not state.global_step % _STEPS_OF_GAPS:
                give_back_freed_memory()

    precision = precision_of(schedule, device)
    arguments = TrainingArguments(
        output_dir=str(unfinished),
        num_train_epochs=schedule.epochs,
        per_device_train_batch_size=processes.share_of(schedule.batch_size),
        gradient_accumulation_steps=schedule.accumulate,
        learning_rate=schedule.learning_rate,
        weight_decay=schedule.weight_decay,
        warmup_steps=schedule.warm_up,
        lr_scheduler_type="cosine",
        max_grad_norm=1.0,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        gradient_checkpointing=schedule.gradient_checkpointing,
        dataloader_num_workers=schedule.workers,
        dataloader_pin_memory=device == "cuda",
        remove_unused_columns=False,
        label_names=["labels"],
        save_strategy="epoch",
        save_total_limit=1,
        logging_strategy="epoch",
        report_to=[],
        disable_tqdm=True,
        use_cpu=device == "cpu",
        ddp_find_unused_parameters=False,
        seed=seed,
        data_seed=seed,
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # without torchrun there is one process, and one GPU does its work
    # Batches are drawn at random, not by length: the network packs utterances, so that padding costs nothing.
    trainer = Trainer(model, arguments, data_collator=collate, train_dataset=dataset, callbacks=[Watch()])
    trainer.remove_callback(PrinterCallback)  # its lines would stand among our results
    return trainer


def precision_of(schedule: Schedule, device: str) -> str:
    """The precision that training has on a device: `fp32`, `bf16` or `fp16`.

    Raises:
        WeightsError: the device has no such precision.
    """
    if schedule.precision != "fp16":
        return resolve_precision(schedule.precision, resolve_device(device))
    if resolve_device(device).type == "cpu":
        raise WeightsError("training in fp16 needs a GPU; set schedule.precision to bf16 or fp32")
    return "fp16"


def _last_whole(unfinished: Path) -> str | None:
    """The newest checkpoint that was written to its end; others are removed. Its last file is the Trainer's state."""
    found = sorted(unfinished.glob("checkpoint-*"), key=lambda p: int(p.name.rpartition("-")[2]))
    whole = [folder for folder in found if _is_json(folder / _STATE)]
    for folder in found:
        if folder not in whole:
            shutil.rmtree(folder, ignore_errors=True)  # another process of torchrun may be at it
    return str(whole[-1]) if whole else None


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


@torch.inference_mode()
def probabilities(
    model: Generalist,
    dataset: SpeechDataset,
    *,
    batch_size: int = 16,
    device: str = "cpu",
    on_done: Callable[[int], None] = lambda n: None,
) -> NDArray[np.float64]:
    """Probabilities or shares `[utterance, class]` in the dataset's order; batches hold utterances of like length."""
    place = resolve_device(device)
    model.to(place).eval()  # type: ignore[arg-type]
    order = np.argsort(dataset.durations_s, kind="stable")
    batches = [order[i : i + batch_size].tolist() for i in range(0, len(order), batch_size)]
    found = np.zeros((len(dataset), model.classifier.out_features))
    for rows, batch in zip(batches, DataLoader(dataset, batch_sampler=batches, collate_fn=collate), strict=True):
        heard = {name: batch[name].to(place) for name in ("input_features", "attention_mask")}
        logits = model(**heard).logits
        assert logits is not None
        said = logits.double().sigmoid() if of_shares(model) else torch.softmax(logits.double(), 1)
        found[rows] = said.cpu().numpy()
        give_back_freed_memory()  # batches of ever other sizes leave gaps
        on_done(len(rows))
    return found


def of_shares(model: Generalist) -> bool:
    """Whether its classes are shares that need not sum to 1."""
    return model.config.problem_type == SHARES


def save(model: Generalist, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write what transformers' `from_pretrained` and `pipeline("audio-classification")` load.

    Args:
        model: the network.
        folder: where.
        facts: what joins its `config.json`.

    Raises:
        StoreError: the disk is full.
    """
    from transformers import WhisperFeatureExtractor

    config = model.config
    for name, fact in facts.items():
        setattr(config, name, fact)
    with quiet_transformers(), _full_disk_said(folder):
        model.save_pretrained(folder)
        WhisperFeatureExtractor(feature_size=config.num_mel_bins, return_attention_mask=True).save_pretrained(folder)


@contextmanager
def _full_disk_said(folder: Path) -> Iterator[None]:
    """What safetensors and torch raise where they cannot write, in the words of everybody else."""
    try:
        yield
    except (SafetensorError, RuntimeError) as problem:
        said = re.search(r"os error (\d+)|PytorchStreamWriter|inline_container|iostream error", str(problem))
        if said is None:
            raise
        reason = int(said[1] or errno.ENOSPC)  # torch does not tell it
        raise full_disk_or(OSError(reason, os.strerror(reason)), folder) from problem
