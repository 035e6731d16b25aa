"""Every benchmark runs by itself in a small mode; no time and no ratio is asserted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sottovoce.judging import predictions
from sottovoce.learning.generalist import training
from tests import tiny, tiny_generalist
from tests.weights.checkpoints import tiny_whisper

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def output(script: str, *arguments: str, **environment: str) -> str:
    """What a benchmark prints; without the real corpora unless the environment given names them."""
    outside = {k: v for k, v in os.environ.items() if k not in ("SOTTOVOCE_DATA", "SOTTOVOCE_WEIGHTS")}
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    done = subprocess.run(command, env=outside | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ cores.*bf16 products: (yes|no).*torch \d", done.stdout)
    return done.stdout


@pytest.mark.slow
def test_training_is_compared_with_the_field_s_way():
    printed = output("bank.py", "--utterances", "24", "--epochs", "1", "--seeds", "1")
    assert "INVENTED frames" in printed and "6 folds x 1 seeds" in printed
    assert "theirs, a .npy file an utterance" in printed and "bound on the ratio" in printed


@pytest.mark.slow
def test_training_keeps_to_its_budget_of_memory(tmp_path: Path):
    arguments = ["--utterances", "1500", "--sounds", "8", "--memory-gib", "0.01", "--folder", str(tmp_path)]
    printed = output("memory.py", *arguments)
    peaks = [(name, float(peak)) for name, peak in re.findall(r"│ ([^│]+?) +│.*│ +([\d.]+) │", printed)]
    assert [name.split()[0] for name, _ in peaks] == ["nothing", "writing", "training,", "extraction,", "extraction,"]
    assert peaks[2][1] - peaks[0][1] < 0.286  # GiB that the features of all would fill
    assert not list(tmp_path.iterdir())


def test_augmentation_is_compared_with_reading():
    printed = output("augmentation.py", "--utterances", "2", "--epochs", "1")
    assert "INVENTED tones" in printed and "echo alone" in printed and "reading and the mixture" in printed


@pytest.mark.slow
@pytest.mark.real
def test_extraction_is_compared_with_the_field_s_way(real_corpora: Path, whisper_base: Path):
    folders = {"SOTTOVOCE_DATA": str(real_corpora), "SOTTOVOCE_WEIGHTS": str(whisper_base.parent)}
    printed = output("extraction.py", "--utterances", "12", "--theirs", "2", **folders)
    assert "theirs measured on 2 of them" in printed
    assert "ours: trimmed" in printed and "ours: exact" in printed


@pytest.mark.slow
@pytest.mark.real
def test_prediction_is_compared_with_the_plain_way(real_corpora: Path, whisper_base: Path):
    folders = {"SOTTOVOCE_DATA": str(real_corpora), "SOTTOVOCE_WEIGHTS": str(whisper_base.parent)}
    printed = output("prediction.py", "--files", "12", "--theirs", "3", **folders)
    assert "3 of 3 labels equal theirs" in printed and "first label from nothing" in printed
    assert "ours: trimmed" in printed and "ours: exact" in printed


def test_extraction_says_what_it_needs():
    command = [sys.executable, str(BENCHMARKS / "extraction.py")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SOTTOVOCE_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "set SOTTOVOCE_DATA and SOTTOVOCE_WEIGHTS" in done.stdout


@pytest.mark.slow
def test_a_timeline_s_memory_does_not_follow_its_length(tmp_path: Path):
    printed = output("timeline.py", "--hours", "0.02", "0.2", "--folder", str(tmp_path))
    lines = re.findall(r"│ ([\d.]+) +│ +(\d+) │ +([\d.]+) │", printed)
    (_, _, short), (_, n_steps, long) = lines
    assert n_steps == "720" and float(long) - float(short) < 0.043  # GiB of the sound in 32 bits
    assert re.search(r"2\.5 s after its middle.*\n.*takes \d+ ms", printed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", ["changes.py", "export.py"])
def test_says_what_it_needs(script: str):
    command = [sys.executable, str(BENCHMARKS / script)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SOTTOVOCE_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "set SOTTOVOCE_DATA and SOTTOVOCE_WEIGHTS" in done.stdout


@pytest.mark.slow
def test_translating_in_batches_and_in_processes_is_compared():
    pytest.importorskip("ttspico")
    printed = output("translation.py", "--utterances", "2", "--offline", "4")
    assert "2 of 2" in printed and "--executor process --workers 2" in printed


@pytest.mark.slow
def test_a_generalist_is_heard_in_both_contexts(tmp_path: Path):
    training.save(tiny_generalist.network(tiny_whisper(tmp_path / "whisper")), tmp_path / "model", {})
    manifest = tiny.write_side(tmp_path, "tones", "12")
    printed = output("context.py", str(tmp_path / "model"), str(manifest), "--utterances", "6")
    assert "6 utterances; trained in context" in printed
    assert re.search(r"│ trimmed +│.*\d+ % │", printed) and re.search(r"│ exact +│.* 100 % │", printed)


def test_two_runs_are_compared_speaker_by_speaker(tmp_path: Path):
    speakers = [f"s{i}" for i in range(1, 5)]
    for run, right in (("good", 0.9), ("bad", 0.2)):
        said = predictions.table(
            ["angry", "sad"],
            np.tile([right, 1 - right], (4, 1)),
            condition="soft labels",
            round=0,
            fold=1,
            seed=0,
            utterances=speakers,
            speakers=speakers,
            labels=["angry"] * 4,
        )
        (tmp_path / run / "predictions").mkdir(parents=True)
        predictions.write(tmp_path / run / "predictions" / "made-up.parquet", said)
    printed = output("two_runs.py", str(tmp_path / "good"), str(tmp_path / "bad"))
    # four speakers: right in one run and wrong in the other; 2 of the 16 sign flips are as far apart
    assert re.search(r"soft labels +│ +wa +│ +\+100.0 │ .* 0.12 │", printed)


def test_adaptive_is_set_beside_its_controls_and_the_oracle(tmp_path: Path):
    speakers = ["s1", "s1", "s2", "s2"]
    conditions = {"target-only": 0.4, "untranslated": 0.7, "adaptive": 0.6}
    tables = [
        predictions.table(
            ["angry", "sad"],
            np.array([[right, 1 - right], [1 - right, right]]),
            condition=condition,
            round=0,
            fold=fold,
            seed=0,
            utterances=[f"{fold}a", f"{fold}b"],
            speakers=speakers[2 * fold - 2 : 2 * fold],
            labels=["angry", "sad"],
        )
        for condition, right in conditions.items()
        for fold in (1, 2)
    ]
    (tmp_path / "run").mkdir()
    predictions.write(tmp_path / "run" / "predictions.parquet", pa.concat_tables(tables))
    printed = output("adaptive.py", str(tmp_path / "run"))
    # the target alone is always wrong, the other two are always right
    assert "run: target alone 0.0" in printed
    for name in ("untranslated", "adaptive", "equal weights", "oracle"):
        assert re.search(rf"│ {name} +│ +100.0 │ +\+100.0 │.*│ +1.00 │", printed), name
    assert re.search(r"│ target alone, seeds pooled +│ +0.0 │", printed)
