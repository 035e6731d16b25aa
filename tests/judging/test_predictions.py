"""The table of predictions keeps its promises, and a broken one is refused with every reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sottovoce.errors import StoreError
from sottovoce.judging import predictions
from tests.judging.fabricated import CLASSES, predicted


def replaced(table: pa.Table, column: str, content: list) -> pa.Table:
    position = table.column_names.index(column)
    return table.set_column(position, column, pa.array(content, table.schema.field(column).type))


def test_a_table_survives_its_file_byte_for_byte(tmp_path: Path) -> None:
    table = predicted()
    path = predictions.write(tmp_path / "run" / "predictions.parquet", table)
    back = predictions.read(path)
    assert back.equals(table.combine_chunks())
    assert predictions.write(tmp_path / "again.parquet", back).read_bytes() == path.read_bytes()
    assert [p.name for p in path.parent.iterdir()] == ["predictions.parquet"]
    assert predictions.classes_of(back) == list(CLASSES)
    assert back.column_names[:7] == ["condition", "round", "fold", "seed", "utterance", "speaker", "label"]
    assert back.schema.field("round").type == pa.int32()


def test_float32_probabilities_are_accepted_and_kept() -> None:
    values = np.array([[0.7, 0.3]], dtype=np.float32)
    table = predictions.table(
        ("angry", "sad"), values, condition="c", round=0, fold=1, seed=2, utterances=["u"], speakers=["s"],
        labels=["sad"],
    )  # fmt: skip
    assert np.array_equal(predictions.probabilities(table), values.astype(np.float64))


def test_the_same_rows_under_another_name() -> None:
    table = predicted(round=2)
    other = predictions.renamed(table, "other", 1)
    assert set(other["condition"].to_pylist()) == {"other"} and set(other["round"].to_pylist()) == {1}
    assert other.schema == table.schema
    assert other.drop_columns(["condition", "round"]).equals(table.drop_columns(["condition", "round"]))
    assert set(predictions.renamed(table, "other")["round"].to_pylist()) == {2}
    assert set(table["condition"].to_pylist()) == {"target-only"}, "the table itself stays as it was"


def test_each_row_under_a_name_of_its_own() -> None:
    table = predicted(n_speakers=1, each=1, seeds=(0, 1))
    assert predictions.renamed(table, ["a", "b"])["condition"].to_pylist() == ["a", "b"]
    with pytest.raises(pa.ArrowInvalid):
        predictions.renamed(table, ["a"])


def test_the_same_rows_answered_otherwise(tmp_path: Path) -> None:
    table = predicted(round=2)
    said = np.roll(predictions.probabilities(table), 1, axis=1).astype(np.float32)
    other = predictions.answered(table, said, "other", 0)
    np.testing.assert_array_equal(predictions.probabilities(other), said.astype(np.float64))
    assert other.drop_columns(CLASSES).equals(predictions.renamed(table, "other", 0).drop_columns(CLASSES))
    predictions.write(tmp_path / "both.parquet", pa.concat_tables([table, other]))  # of one schema, and no row twice
    for wrong in (said[:, 1:], said[1:]):
        with pytest.raises(ValueError, match=r"argument|[Ee]xpected length"):
            predictions.answered(table, wrong, "other", 0)


@pytest.mark.parametrize(
    ("column", "content", "reason"),
    [
        ("angry", [np.nan], "1 rows have probabilities outside"),
        ("angry", [1.5], "1 rows have probabilities outside"),
        ("angry", [-0.1], "1 rows have probabilities outside"),
        ("angry", [0.999], "1 rows have probabilities that do not sum to 1"),
        ("label", ["furious"], "'furious' is none of the classes"),
        ("utterance", ["s0-1"], "1 rows repeat an utterance"),
        ("speaker", [None], "'speaker' has empty cells"),
    ],
)
def test_broken_rows_are_refused(tmp_path: Path, column: str, content: list, reason: str) -> None:
    table = predicted()
    broken = replaced(table, column, content + table[column].to_pylist()[1:])
    with pytest.raises(StoreError, match=reason):
        predictions.write(tmp_path / "predictions.parquet", broken)
    assert not list(tmp_path.iterdir())
    pq.write_table(broken, tmp_path / "other.parquet")
    with pytest.raises(StoreError, match=reason):
        predictions.read(tmp_path / "other.parquet")


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    table = predicted()
    broken = replaced(table, "label", ["furious", "cross", *table["label"].to_pylist()[2:]])
    broken = replaced(broken, "sad", [2.0] * table.num_rows)
    with pytest.raises(StoreError, match=r"(?s)cross.*furious.*outside"):
        predictions.write(tmp_path / "predictions.parquet", broken)


def test_wrong_columns_are_refused(tmp_path: Path) -> None:
    table = predicted()
    with pytest.raises(StoreError, match=r"(?s)'fold' is missing.*'seed' is missing"):
        predictions.write(tmp_path / "p.parquet", table.drop_columns(["fold", "seed"]))
    with pytest.raises(StoreError, match="'seed' is double, not int32"):
        predictions.write(tmp_path / "p.parquet", table.set_column(3, "seed", pa.array([0.0] * table.num_rows)))
    with pytest.raises(StoreError, match="fewer than two classes"):
        predictions.write(tmp_path / "p.parquet", table.drop_columns(["angry", "happy", "sad"]))
    with pytest.raises(StoreError, match="no rows"):
        predictions.write(tmp_path / "p.parquet", table.slice(0, 0))


def test_an_absent_or_broken_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="finish the run first"):
        predictions.read(tmp_path / "predictions.parquet")
    (tmp_path / "predictions.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(StoreError, match="delete it and run the recipe again"):
        predictions.read(tmp_path / "predictions.parquet")
