"""Build a transformers config from plain YAML data, checking every field.

transformers silently accepts unknown fields, so that a typo trains another model than the one asked
for. Here they are refused, as are wrong types and sizes that do not fit each other.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from lit_research.errors import UserError, nearest
from lit_research.ranges import COUNT, check_range

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

SPECIAL_TOKENS = ("pad_token_id", "bos_token_id", "eos_token_id")
SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
)


ACTIVATIONS = ("hidden_act", "hidden_activation", "activation_function")


def make_config(
    config: Mapping[str, Any] | PreTrainedConfig, vocab_size: int | None = None
) -> PreTrainedConfig:
    """Return a checked transformers config; see ``build_lm`` for the arguments.

    Raises:
        UserError: unknown model type or field, wrong type, or sizes that do not fit.
    """
    if not isinstance(config, Mapping):
        copied = copy.deepcopy(config)
        if vocab_size is not None:
            _check_vocabulary(copied.vocab_size, vocab_size, copied.model_type)
        return copied
    fields = dict(config)
    model_type = fields.pop("model_type", None)
    config_class = _config_class(model_type)
    fields = _known_fields(fields, config_class, model_type)
    _check_values(fields, config_class, model_type)
    if vocab_size is not None:
        _check_vocabulary(fields.setdefault("vocab_size", vocab_size), vocab_size, model_type)
    built = _instantiate(config_class, fields, model_type)
    if (text := built.get_text_config()) is not built:
        raise UserError(
            f"{model_type} wraps a text model, in the lm config; "
            f"give the text model, model_type {text.model_type}, and its fields"
        )
    _check_heads(built, model_type)
    _check_special_tokens(built, model_type)
    return built


def _config_class(model_type: Any) -> type[PreTrainedConfig]:
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if model_type is None:
        raise UserError("there is no model_type, in the lm config; give one such as llama")
    if not isinstance(model_type, str) or model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        otherwise = "give a causal language model of transformers, such as llama or gpt2"
        raise UserError(
            f"unknown model_type {model_type!r}, in the lm config; "
            f"{nearest(str(model_type), MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, otherwise)}"
        )
    return CONFIG_MAPPING[model_type]


def _known_fields(
    fields: dict[str, Any], config_class: type[PreTrainedConfig], model_type: str
) -> dict[str, Any]:
    """Refuse unknown fields; return the fields under their canonical names, with our defaults.

    Special tokens that are not given become None: the defaults (eos_token_id 2 for Llama) belong to
    vocabularies of hub models. Models that can also be encoders become decoders.
    """
    # The dtype of the weights is an argument of build_lm; a field would have no effect.
    known = {f.name: f for f in dataclasses.fields(config_class) if f.name != "dtype"}
    aliases = config_class.attribute_map
    names = {*known, *aliases, *(("rope_theta",) if "rope_parameters" in known else ())}
    for name in fields:
        if name not in names:
            otherwise = f"see {config_class.__name__} in transformers for the fields"
            raise UserError(
                f"unknown field {name!r}, in the lm config of {model_type}; "
                f"{nearest(str(name), names, otherwise)}"
            )
    defaults = {
        name: None
        for name in SPECIAL_TOKENS
        if name in known and type(None) in get_args(known[name].type)
    }
    decoder = {"is_decoder": True} if "is_decoder" in known else {}
    return {**defaults, **decoder, **{aliases.get(n, n): value for n, value in fields.items()}}


def _check_values(
    fields: dict[str, Any], config_class: type[PreTrainedConfig], model_type: str
) -> None:
    """Refuse values that transformers accepts silently, or refuses without naming the field."""
    from transformers.activations import ACT2FN
    from transformers.modeling_rope_utils import RopeParameters

    where = f"in the lm config of {model_type}"
    for name in SIZES:
        value = fields.get(config_class.attribute_map.get(name, name))
        check_range(COUNT, where, **{name: value if isinstance(value, int) else None})
    for name in ACTIVATIONS:
        value = fields.get(name)
        if isinstance(value, str) and value not in ACT2FN:
            right = nearest(value, ACT2FN, "give one such as silu or gelu")
            raise UserError(f"unknown {name} {value!r}, {where}; {right}")
    theta, rotary = fields.get("rope_theta", 1.0), fields.get("rope_parameters")
    if isinstance(theta, bool) or not isinstance(theta, (int, float)):
        raise UserError(f"rope_theta is {theta!r}, {where}; give a number")
    # Models with several layer types have one mapping for each of them here.
    if isinstance(rotary, Mapping) and not any(isinstance(v, Mapping) for v in rotary.values()):
        for name in rotary:
            if name not in RopeParameters.__annotations__:
                fields_are = "see RopeParameters in transformers for the fields"
                raise UserError(
                    f"unknown field {name!r}, in rope_parameters of {model_type}; "
                    f"{nearest(str(name), RopeParameters.__annotations__, fields_are)}"
                )


def _check_vocabulary(configured: Any, needed: int, model_type: str) -> None:
    if isinstance(configured, int) and configured < needed:
        raise UserError(
            f"vocab_size is {configured}, in the lm config of {model_type}, but the tokenizer has "
            f"{needed} tokens; give at least {needed}, or leave it out"
        )


def _instantiate(
    config_class: type[PreTrainedConfig], fields: dict[str, Any], model_type: str
) -> PreTrainedConfig:
    from huggingface_hub.errors import StrictDataclassError

    try:
        return config_class(**fields)
    except (StrictDataclassError, ValueError, TypeError, KeyError, AttributeError) as error:
        # The last line of a strict dataclass's message says what is wrong.
        reason = str(error).strip().splitlines()[-1].strip()
        hint = "" if "str (value" not in reason else " (YAML reads 1e-5 as text: write 1.0e-5)"
        raise UserError(
            f"wrong value in the lm config of {model_type}: {reason}{hint}; "
            f"see {config_class.__name__} in transformers for what is right"
        ) from error


def _check_heads(config: PreTrainedConfig, model_type: str) -> None:
    if getattr(config, "is_heterogeneous", False):
        return  # sizes differ between layers
    heads, width = (getattr(config, n, None) for n in ("num_attention_heads", "hidden_size"))
    if not isinstance(heads, int) or not isinstance(width, int):
        return
    head_dim = getattr(config, "head_dim", None)
    if head_dim is None and width % heads:
        raise UserError(
            f"hidden_size {width} is not a multiple of num_attention_heads {heads}, in the lm "
            f"config of {model_type}; give for example {width // heads * heads or heads}"
        )
    groups = getattr(config, "num_key_value_heads", None)
    if isinstance(groups, int) and heads % groups:
        raise UserError(
            f"num_attention_heads {heads} is not a multiple of num_key_value_heads {groups}, in "
            f"the lm config of {model_type}; give a divisor of {heads}"
        )
    head_dim = head_dim or width // heads
    if getattr(config, "rope_parameters", None) and isinstance(head_dim, int) and head_dim % 2:
        raise UserError(
            f"a head has {head_dim} channels (hidden_size {width}, {heads} heads), in the lm "
            f"config of {model_type}; must be even, since rotary positions rotate pairs of channels"
        )


def _check_special_tokens(config: PreTrainedConfig, model_type: str) -> None:
    for name in SPECIAL_TOKENS:
        value = getattr(config, name, None)
        ids = value if isinstance(value, list) else [value]
        if any(i is not None and not 0 <= i < config.vocab_size for i in ids):
            raise UserError(
                f"{name} is {value}, in the lm config of {model_type}, outside the vocabulary of "
                f"{config.vocab_size} tokens; give an id below {config.vocab_size}"
            )
