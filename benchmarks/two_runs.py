"""Two zero-shot runs that differ in a setting, compared on the corpora that both held out, paired by speaker.

    python benchmarks/two_runs.py runs/exact runs/trimmed

Both must have asked models of the same names (soft or hard labels, weight of the adversary) with the same seeds. p is
of the sign-flip test, after Holm's correction over the lines of one corpus.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow as pa

from machine import state_machine, table
from sottovoce.judging import predictions
from sottovoce.judging.results import judge


def together(runs: list[Path], corpus: str) -> pa.Table:
    """Predictions of both runs, each condition under its run's name too."""
    parts = []
    for run in runs:
        part = predictions.read(run / "predictions" / f"{corpus}.parquet")
        named = pa.array([f"{run.name}: {name}" for name in part["condition"].to_pylist()])
        parts.append(part.set_column(part.column_names.index("condition"), "condition", named))
    return pa.concat_tables(parts)


def main() -> None:
    """Print a table a corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", type=Path, help="a folder that `sottovoce zero-shot` wrote")
    parser.add_argument("b", type=Path, help="another")
    chosen = parser.parse_args()
    state_machine()
    runs = [chosen.a, chosen.b]
    held_out = [{path.stem for path in (run / "predictions").glob("*.parquet")} for run in runs]
    for corpus in sorted(held_out[0] & held_out[1]):
        both = together(runs, corpus)
        models = dict.fromkeys(name.partition(": ")[2] for name in both["condition"].to_pylist())
        pairs = [((f"{chosen.a.name}: {model}", 0), (f"{chosen.b.name}: {model}", 0)) for model in models]
        rows = [
            [
                row["a"].partition(": ")[2],
                row["metric"],
                f"{100 * row['delta']:+.1f}",
                "none" if row["ci95"] is None else " to ".join(f"{100 * bound:+.1f}" for bound in row["ci95"]),
                f"{row['p_holm']:.2g}",
            ]
            for row in judge(both, pairs=pairs)["comparisons"]
        ]
        title = f"{corpus}: {chosen.a.name} minus {chosen.b.name}, points"
        table(title, ["models", "metric", "difference", "95 % interval", "p, Holm"], rows)


if __name__ == "__main__":
    main()
