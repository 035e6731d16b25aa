"""The network at the beginning of training."""

from __future__ import annotations

from sottovoce.errors import RecipeError, WeightsError
from sottovoce.recipe.generalist import Domains, Network, SpecAugment
from sottovoce.upstreams.generalist_network import Generalist, GeneralistConfig
from sottovoce.weights.checkpoint import Checkpoint, load_complete, open_checkpoint

_KINDS = ("whisper", GeneralistConfig.model_type)
_OF_ENCODER = (
    "num_mel_bins",
    "encoder_layers",
    "encoder_attention_heads",
    "encoder_ffn_dim",
    "d_model",
    "activation_function",
    "init_std",
    "scale_embedding",
    "max_source_positions",
)


def build(
    network: Network, classes: tuple[str, ...], spec_augment: SpecAugment, domains: Domains, domain_sizes: list[int]
) -> Generalist:
    """The network at the beginning of training: Whisper's encoder with new heads, or a generalist.

    The head of a generalist is kept where its classes are these; its domain heads never are.

    Raises:
        WeightsError: the weights are not there, incomplete, or of another kind.
        RecipeError: more layers or mel bands are asked for than the weights have.
    """
    checkpoint = open_checkpoint(network.weights, allow_download=network.allow_download)
    told = checkpoint.config
    if told.get("model_type") not in _KINDS:
        raise WeightsError(f"{network.weights} is a checkpoint of kind {told.get('model_type')!r}, not of Whisper")
    config = GeneralistConfig(**{name: told[name] for name in _OF_ENCODER if name in told})
    config.id2label = dict(enumerate(classes))
    config.label2id = {name: i for i, name in enumerate(classes)}
    config.context, config.domain_sizes, config.domain_weight = network.context, domain_sizes, domains.weight
    config.heard = told.get("heard")  # what it starts from stays known, whatever it is trained on next
    config.apply_spec_augment = bool(spec_augment.time or spec_augment.mel)
    config.mask_time_prob, config.mask_feature_prob = spec_augment.time, spec_augment.mel
    config.mask_time_length, config.mask_feature_length = spec_augment.time_steps, spec_augment.mel_bands
    for setting, asked, most in (
        ("network.frozen_layers", network.frozen_layers, config.encoder_layers),
        ("spec_augment.mel_bands", spec_augment.mel_bands, config.num_mel_bins),
    ):
        if asked > most:
            raise RecipeError(f"{setting} is {asked}, and {network.weights} has {most}; set {most} at most")
    model = Generalist(config)
    _fill(model, checkpoint, classes)
    model.freeze(network.frozen_layers)
    return model


def _fill(model: Generalist, checkpoint: Checkpoint, classes: tuple[str, ...]) -> None:
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    encoder = load_complete(WhisperEncoder, checkpoint, rename={r"^(model\.)?encoder\.": ""})
    model.encoder.load_state_dict(encoder.state_dict())
    told = checkpoint.config
    same = told.get("id2label") == {str(i): name for i, name in enumerate(classes)}
    if told["model_type"] == GeneralistConfig.model_type and same:
        model.classifier.load_state_dict(load_complete(Generalist, checkpoint).classifier.state_dict())
