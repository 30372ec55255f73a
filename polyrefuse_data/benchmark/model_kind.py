"""What kind of model a configuration is of: one that writes text, and the class of transformers that loads it."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from polyrefuse_data.errors import ModelError

# Names of classes that write text, in the code of models that came before transformers had them.
_WRITES_TEXT = re.compile(r"(ForCausalLM|LMHeadModel|ForConditionalGeneration)$")


def auto_class(config: Any, name: str) -> Any:
    """The auto class that loads a chat model of this configuration: text alone where there is such a class, else the
    multimodal one, whose language model is measured.

    Raises ModelError for models that write no text after a prompt: encoders, vision models, classifiers, translators.
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForMultimodalLM

    classes = (AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForMultimodalLM)
    kind = config.model_type
    if config.get_text_config(decoder=True).is_encoder_decoder:
        raise ModelError(f"{name}: {kind} is an encoder-decoder, not a chat model; give a decoder-only chat model")
    fitting = [each for each in classes if type(config) in each._model_mapping]
    known = {str(found) for each in fitting for found in _names(each, config)}
    wrong = [found for found in config.architectures or () if found not in known and not _WRITES_TEXT.search(found)]
    if wrong or not fitting:
        what = wrong[0] if wrong else kind
        raise ModelError(f"{name}: {what} writes no text after a prompt; give a decoder-only chat model")
    return fitting[0]


def speaking_part(network: Any) -> Any:
    """What reads text and writes it: the model itself or, where it only holds others, the first of them (Qwen's Omni
    models: the thinker)."""
    if type(network).forward is not nn.Module.forward:
        return network
    return next((part for part in network.children() if hasattr(part, "generation_config")), network)


def _names(auto: Any, config: Any) -> list[str]:
    found = auto._model_mapping[type(config)]
    return [each.__name__ for each in (found if isinstance(found, tuple) else (found,))]
