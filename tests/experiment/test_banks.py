"""Where trained heads are kept: what they depend on is in the key, and nothing that they do not."""

from __future__ import annotations

import numpy as np

from sottovoce.experiment.banks import Banks
from sottovoce.experiment.place import Place
from sottovoce.learning.bank import Course
from sottovoce.learning.outputs import CLASSES, MEASURES
from sottovoce.recipe import Training
from sottovoce.store.artefacts import Store
from tests.learning.pools import kept_frames

KEPT_SO = "ff649d51b6709a2f976acf38"
"""The key of this bank of emotions before there were measures: what users have in their stores is found again."""


def keys(root, outputs) -> list[str]:
    kept = kept_frames(root, [np.full((4, 3), i / 8) for i in range(6)])
    banks = Banks(Training(hidden=2, epochs=1, batch_size=3, precision="fp32"), Place(Store(root)))
    labels = np.array([[0.75, 0.25], [0.25, 0.75]] * 3, np.float32)
    banks.heads(kept, banks.frames(kept), labels, [Course(0, np.arange(6) > 1)], lambda n: None, outputs)
    return [folder.name for folder in (root / "banks").iterdir()]


def test_a_bank_of_emotions_keeps_its_key(tmp_path):
    assert keys(tmp_path, CLASSES) == [KEPT_SO]


def test_a_bank_of_measures_has_another(tmp_path):
    (key,) = keys(tmp_path, MEASURES)
    assert key != KEPT_SO
