"""Where long work is done, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from sottovoce.store.artefacts import Store
from sottovoce.store.shards import Execution
from sottovoce.store.speeds import Speeds


@dataclass(frozen=True)
class Place:
    """Where a run works and how: the store, the executor and the device."""

    store: Store
    execution: Execution = field(default_factory=Execution)
    device: str = "cpu"

    @property
    def speeds(self) -> Speeds:
        """What is known of this machine's speed."""
        return Speeds(self.store.root)
