"""A study of two corpora on EmoBox's folds, from one folder that holds the lists of both."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from sottovoce import job, recipe, study
from sottovoce.experiment.place import Place
from sottovoce.store.artefacts import Store
from tests import tiny

CHANGES = ["training.seeds=[0]", "training.epochs=2", "protocol.kind=emobox"]


def publish(folder: Path, name: str, manifest: Path, *, by_speaker: bool) -> None:
    """Two folds as EmoBox writes them: the one's training part is the other's test part."""
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    speakers = sorted({row["speaker"] for row in rows})
    first = [row["speaker"] in speakers[::2] if by_speaker else "_0 " in row["path"] for row in rows]
    for number in (1, 2):
        for side in ("train", "test"):
            wanted = (side == "test") == (number == 1)
            path = folder / name / f"fold_{number}" / f"{name}_{side}_fold_{number}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            entries = [
                {"key": f"{name}-{i}", "wav": row["path"]}
                for i, (row, is_first) in enumerate(zip(rows, first, strict=True))
                if is_first is wanted
            ]
            path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("emobox")
    tiny.write_all(folder, conditions=["target-only", "untranslated"])
    columns = []
    for name, speakers in (("mixed-one", "56"), ("apart", "789")):
        manifest = tiny.write_side(folder, name, speakers, further_cells={"corpus": name})
        publish(folder / "data", name.replace("-", ""), manifest, by_speaker=name == "apart")
        columns.append({"name": name, "change": {"target": {"manifest": str(manifest), "language": "it"}}})
    rows = [{"name": "alone", "condition": "target-only"}, {"name": "source too", "condition": "untranslated"}]
    tree = {"name": "both", "base": "tiny.yaml", "columns": columns, "tables": [{"title": "Table", "rows": rows}]}
    path = folder / "both.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    found = recipe.load_study(path)
    assert found is not None
    changes = [*CHANGES, f"protocol.emobox_folder={folder / 'data'}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "write_report", lambda folder: folder)
        return folder, study.run(found, path, folder / "out", Place(Store(folder / "store")), changes=changes)


def test_each_column_has_the_lists_of_its_corpus(done):
    folder, results = done
    assert results["protocol"] == "emobox" and results["n_folds"] == 2
    plans = [json.loads(path.read_text()) for path in sorted((folder / "out" / "runs").glob("*/folds.json"))]
    assert [plan["speaker_dependent"] for plan in plans] == [False, True]  # apart, mixed-one


def test_shared_speakers_are_marked_where_they_are(done):
    folder, results = done
    assert results["speaker_dependent"] is True
    assert [[row["speaker_dependent"] for row in part["rows"]] for part in results["tables"]] == [
        [True, True], [False, False]
    ]  # fmt: skip
    for name in ("report.html", "tables.md", "tables.tex"):
        text = (folder / "out" / name).read_text(encoding="utf-8")
        assert "Speaker-dependent (mixed-one)" in text, name
