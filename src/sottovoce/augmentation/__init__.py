"""New recordings from those there are: altered anew in every epoch (`transforms`), or kept beside them (`copies`)."""

from sottovoce.augmentation.transforms import augment, plan

__all__ = ["augment", "plan"]
