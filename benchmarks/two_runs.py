"""Two runs that differ in a setting, compared on what both tested, paired by speaker.

    python benchmarks/two_runs.py runs/exact runs/trimmed      # of `sottovoce zero-shot`: on each corpus held out
    python benchmarks/two_runs.py runs/votes runs/given        # of `sottovoce run`: each condition and round

What only one of them has, and what answers alike in both, is left out. p is of the sign-flip test, after Holm's
correction over the lines of one table and metric.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa

from machine import state_machine, table
from sottovoce.judging import predictions
from sottovoce.judging.results import judge


def tested(run: Path) -> dict[str, Path]:
    """Where the predictions lie, by what was tested: a corpus that was held out, or the target."""
    whole = run / "predictions.parquet"
    return {"target": whole} if whole.exists() else {p.stem: p for p in (run / "predictions").glob("*.parquet")}


def under_name(run: Path, path: Path) -> pa.Table:
    """Predictions, each condition under its run's name too."""
    part = predictions.read(path)
    return predictions.renamed(part, [f"{run.name}: {name}" for name in part["condition"].to_pylist()])


def models(part: pa.Table) -> dict[tuple[str, int], None]:
    """Conditions without the run's name, and rounds, in order."""
    names = (name.partition(": ")[2] for name in part["condition"].to_pylist())
    return dict.fromkeys(zip(names, part["round"].to_pylist(), strict=True))


def answers(part: pa.Table, model: tuple[str, int]) -> dict[tuple[int, str], str]:
    """What the model said of each utterance, by seed."""
    name = np.array([condition.partition(": ")[2] for condition in part["condition"].to_pylist()])
    own = part.filter(pa.array((name == model[0]) & (part["round"].to_numpy() == model[1])))
    classes = predictions.classes_of(own)
    said = [classes[best] for best in predictions.probabilities(own).argmax(axis=1)]
    return dict(zip(zip(own["seed"].to_pylist(), own["utterance"].to_pylist(), strict=True), said, strict=True))


def main() -> None:
    """Print a table for each corpus that was tested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", type=Path, help="a run's folder")
    parser.add_argument("b", type=Path, help="another")
    chosen = parser.parse_args()
    state_machine()
    runs = [chosen.a, chosen.b]
    for corpus in sorted(set(tested(chosen.a)) & set(tested(chosen.b))):
        parts = [under_name(run, tested(run)[corpus]) for run in runs]
        shared = [m for m in models(parts[0]) if m in models(parts[1]) and answers(parts[0], m) != answers(parts[1], m)]
        pairs = [((f"{chosen.a.name}: {name}", r), (f"{chosen.b.name}: {name}", r)) for name, r in shared]
        rows = [
            [
                row["a"].partition(": ")[2] + (f", round {row['a_round']}" if row["a_round"] else ""),
                row["metric"],
                f"{100 * row['delta']:+.1f}",
                "none" if row["ci95"] is None else " to ".join(f"{100 * bound:+.1f}" for bound in row["ci95"]),
                f"{row['p_holm']:.2g}",
            ]
            for row in judge(pa.concat_tables(parts), pairs=pairs)["comparisons"]
        ]
        title = f"{corpus}: {chosen.a.name} minus {chosen.b.name}, points"
        table(title, ["models", "metric", "difference", "95 % interval", "p, Holm"], rows)


if __name__ == "__main__":
    main()
