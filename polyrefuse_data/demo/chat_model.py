"""Trains the demo's chat model: a small Llama that refuses harmful prompts and answers harmless ones in 14 languages.

Nothing is planted: the model starts from random weights and learns next-token prediction on the replies alone.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch

from polyrefuse_data.demo.corpus import (
    ChatExample,
    all_texts,
    by_label,
    framed_examples,
    seed_examples,
    translation_examples,
)
from polyrefuse_data.demo.training import IGNORED, Batch, Example, batches, fit
from polyrefuse_data.rows import HARMFUL, HARMLESS

VOCABULARY = 6000
HIDDEN, LAYERS, HEADS, MLP = 128, 6, 4, 352
PAD, END = "<|pad|>", "<|end|>"
USER, ASSISTANT = "<|user|>", "<|assistant|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
EPOCHS = 9
LEARNING_RATE = 2e-3
CHATS_PER_EPOCH = 8000
HARMFUL_SHARE = 0.25  # refusing is the exception: at one half, the model refuses whatever it is unsure of
HARMFUL_SEED_REPEATS, HARMLESS_SEED_REPEATS = 3, 4  # the hand-written prompts are few beside the framed ones
TRANSLATIONS_PER_EPOCH = 1000
TOKEN_NOISE = 0.1  # share of prompt tokens replaced at random, so that a word never seen before decides nothing
LONGEST_PIECE = 8  # characters; languages without spaces would otherwise learn whole clauses as one piece


def train_chat_model(folder: Path, *, seed: int = 0, epochs: int = EPOCHS) -> None:
    """Train tokenizer and model from scratch and write them to `folder` (safetensors, float16)."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    rng = random.Random(seed)
    tokenizer = train_chat_tokenizer(all_texts())
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            intermediate_size=MLP,
            max_position_embeddings=512,
            tie_word_embeddings=False,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    seeds, framed = by_label(seed_examples()), by_label(framed_examples())
    n_harmful = int(CHATS_PER_EPOCH * HARMFUL_SHARE)

    def epoch_batches() -> list[Batch]:
        chats = _draw(seeds[HARMFUL] * HARMFUL_SEED_REPEATS, framed[HARMFUL], n_harmful, rng)
        chats += _draw(seeds[HARMLESS] * HARMLESS_SEED_REPEATS, framed[HARMLESS], CHATS_PER_EPOCH - n_harmful, rng)
        examples = [_with_noise(_encode(tokenizer, chat), tokenizer, rng) for chat in chats]
        examples += [_encode(tokenizer, example) for example in translation_examples(rng, TRANSLATIONS_PER_EPOCH)]
        return batches(examples, tokenizer.pad_token_id, rng)

    fit(model, epoch_batches, epochs, LEARNING_RATE)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def train_chat_tokenizer(texts: list[str]) -> Any:
    """A unigram tokenizer over the texts of all languages, with a chat template."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    specials = [PAD, END, USER, ASSISTANT, "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="never"),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.Split(Regex(r"\p{Han}"), "isolated"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never")
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY, special_tokens=specials, unk_token="<unk>", max_piece_length=LONGEST_PIECE
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token="<unk>",
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def _draw(always: list[ChatExample], more: list[ChatExample], count: int, rng: random.Random) -> list[ChatExample]:
    """`count` examples: all of `always`, and a sample of `more` (all of it if there are too few)."""
    return always + rng.sample(more, min(len(more), count - len(always)))


def _encode(tokenizer: Any, example: ChatExample) -> Example:
    """Token ids of a whole exchange; only the reply has labels."""
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": example.prompt}], add_generation_prompt=True, return_dict=False
    )
    reply = [*tokenizer.encode(example.reply, add_special_tokens=False), tokenizer.eos_token_id]
    return Example(prompt + reply, [IGNORED] * len(prompt) + reply)


def _with_noise(example: Example, tokenizer: Any, rng: random.Random) -> Example:
    """The example with some prompt tokens replaced by random ones (not special tokens or the reply)."""
    special = set(tokenizer.all_special_ids)
    ids = [
        rng.randrange(len(special), len(tokenizer))
        if label == IGNORED and token not in special and rng.random() < TOKEN_NOISE
        else token
        for token, label in zip(example.ids, example.labels, strict=True)
    ]
    return Example(ids, example.labels)
