"""Settings of the waveform transforms of training."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from sottovoce.recipe.stage import Stage

Transform = Literal["polarity", "gain", "reversal", "noise", "resampling", "equalisation", "echo"]

TRANSFORMS: tuple[Transform, ...] = get_args(Transform)
"""The seven of arXiv 2311.08607, in the order in which it names them and in which they are applied."""


def _ordered(ends: tuple[float, float]) -> tuple[float, float]:
    if not ends[0] <= ends[1]:
        raise ValueError(f"write [least, most], not [{ends[0]:g}, {ends[1]:g}]")
    return ends


_Positive = Annotated[float, Field(gt=0)]
_Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
_PositiveRange = Annotated[tuple[_Positive, _Positive], AfterValidator(_ordered)]
_ShareRange = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=0, lt=1)]], AfterValidator(_ordered)
]


class Copies(Stage):
    """What the conditions `noise` and `copypaste` add to the target's training part. All of it is ours."""

    number: Annotated[int, Field(ge=1)] = Field(default=1, description="copies of each utterance")
    seed: int = 0
    noise_snr_db: _Range = Field(default=(5.0, 30.0), description="speech over noise, both as mean power")
    noise_folder: str | None = Field(default=None, description="recordings of noise; without them it is Gaussian")


class Augmentation(Stage):
    """Each transform is applied by itself with `probability` (0.2 in the paper). The ranges are ours: it prints none.

    Whatever lies in a range is equally likely.
    """

    probability: Annotated[float, Field(ge=0, le=1)] = 0.2
    transforms: tuple[Transform, ...] = Field(default=TRANSFORMS, description="those in use")
    gain_db: _Range = (-12.0, 12.0)
    noise_snr_db: _Range = Field(default=(5.0, 30.0), description="speech over noise, both as mean power")
    noise_slope: _Range = Field(default=(0.0, 2.0), description="power falls with f^slope: 0 white, 1 pink, 2 brown")
    resampling_hz: _PositiveRange = Field(
        default=(6_000.0, 14_000.0), description="rate that the sound is brought down to and back from"
    )
    equalisation_db: _Range = Field(default=(-9.0, 9.0), description="gain at each octave, drawn by itself")
    echo_delay_s: _PositiveRange = (0.05, 0.3)
    echo_share: _ShareRange = Field(default=(0.1, 0.5), description="amplitude of a repeat over the one before")
