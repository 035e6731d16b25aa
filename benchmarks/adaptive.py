"""Does pooling the conditions by learnt weights do what no fixed condition does? From the predictions of finished runs.

    sottovoce study table3-offline
    python benchmarks/adaptive.py runs/table3-offline/runs/*

For each run with condition `adaptive`: every other condition at every round; two controls (all of them with equal
weights, which learns nothing, and the target alone with its seeds pooled, which is a pool without any source);
`adaptive`; and the oracle: the best condition and round of each fold and seed, chosen with its labels. That is no
result, and pooled it need not be above every fixed line.
Change: against the target alone, paired by speaker. Share: of the way from the target alone to the oracle.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from machine import state_machine, table
from sottovoce.experiment.adaptive import NAME
from sottovoce.judging import metrics, predictions
from sottovoce.judging.results import BASELINE, judge
from sottovoce.learning.opinion_pool import pooled


@dataclass(frozen=True)
class Said:
    """One run's predictions, rows of all conditions and rounds in one order."""

    members: list[tuple[str, int]]
    probabilities: NDArray[np.float64]  # [member, row, K]
    rows: pa.Table  # of the target alone

    @classmethod
    def of(cls, run: Path) -> Said:
        """Read and align."""
        whole = predictions.read(run / "predictions.parquet")
        names = dict.fromkeys(zip(whole["condition"].to_pylist(), whole["round"].to_pylist(), strict=True))
        order = [("seed", "ascending"), ("fold", "ascending"), ("utterance", "ascending")]
        condition, number = whole["condition"].to_numpy(), whole["round"].to_numpy()
        parts = [whole.filter(pa.array((condition == c) & (number == r))).sort_by(order) for c, r in names]
        return cls(list(names), np.stack([predictions.probabilities(part) for part in parts]), parts[0])

    def equal(self) -> NDArray[np.float64]:
        """All but `adaptive` with equal weights."""
        others = [i for i, (name, _) in enumerate(self.members) if name != NAME]
        return pooled(self.probabilities[others], np.full(len(others), 1 / len(others)))

    def seeds_pooled(self) -> NDArray[np.float64]:
        """The target alone, its seeds answering together."""
        seed = self.rows["seed"].to_numpy()
        seeds = np.unique(seed)
        by_seed = np.stack([self.probabilities[0][seed == s] for s in seeds])
        return np.tile(pooled(by_seed, np.full(len(seeds), 1 / len(seeds))), (len(seeds), 1))

    def oracle(self) -> NDArray[np.float64]:
        """The best of the others in each fold and seed, chosen with its labels."""
        others = [i for i, (name, _) in enumerate(self.members) if name != NAME]
        classes, labels = predictions.classes_of(self.rows), self.rows["label"].to_pylist()
        best = np.zeros_like(self.probabilities[0])
        part = np.stack([self.rows[key].to_numpy() for key in ("fold", "seed")], axis=1)
        for which in np.unique(part, axis=0):
            rows = np.flatnonzero((part == which).all(axis=1))
            true = [labels[row] for row in rows]
            scores = [metrics.score(true, self.probabilities[i][rows], classes)["macro_f1"] for i in others]
            best[rows] = self.probabilities[others[int(np.argmax(scores))]][rows]
        return best


def main() -> None:
    """Print a table a run, and what they come to together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs; those without `adaptive` are left out")
    state_machine()
    together: dict[str, list[tuple[float, float]]] = {}
    for run in parser.parse_args().runs:
        said = Said.of(run)
        if NAME not in dict(said.members):
            continue
        for name, gain, share in compared(run.name, said):
            together.setdefault(name, []).append((gain, share))
    rows = []
    for name, of in together.items():
        gains, shares = np.array(of).T
        rows.append([name, str(len(of)), f"{gains.mean():+.1f}", f"{gains.min():+.1f}", f"{shares.mean():.2f}"])
    table("All runs", ["", "runs", "mean change", "worst change", "mean share"], rows)


def compared(title: str, said: Said) -> list[tuple[str, float, float]]:
    """Print one run's table; the change in points and the share of each line."""
    lines = {f"{c}{f', round {r}' if r else ''}": p for (c, r), p in zip(said.members, said.probabilities, strict=True)}
    lines |= {"equal weights": said.equal(), "target alone, seeds pooled": said.seeds_pooled(), "oracle": said.oracle()}
    whole = pa.concat_tables([predictions.answered(said.rows, each, name, 0) for name, each in lines.items()])
    verdict = judge(whole, pairs=[((name, 0), (BASELINE, 0)) for name in lines if name != BASELINE])
    scores = {condition["name"]: condition["macro_f1"] for condition in verdict["conditions"]}
    changes = {row["a"]: row for row in verdict["comparisons"] if row["metric"] == "macro_f1"}
    way = scores["oracle"] - scores[BASELINE]
    rows, found = [], []
    for name, row in changes.items():
        share = row["delta"] / way if way else 0.0
        low, high = row["ci95"] or (float("nan"), float("nan"))
        interval = f"{100 * low:+.1f} to {100 * high:+.1f}"
        rows.append([name, f"{100 * scores[name]:.1f}", f"{100 * row['delta']:+.1f}", interval, f"{row['p']:.2g}"])
        rows[-1].append(f"{share:.2f}")
        found.append((name, 100 * row["delta"], share))
    columns = ["", "macro F1", "change", "95 % interval", "p, uncorrected", "share"]
    table(f"{title}: target alone {100 * scores[BASELINE]:.1f}", columns, rows)
    return found


if __name__ == "__main__":
    main()
