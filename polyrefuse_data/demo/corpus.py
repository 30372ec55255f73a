"""The training text of the tiny models: seeds of the train split, multiplied by putting phrases into frames.

The chat model is never trained on a prompt of the validation or test split; its tokenizer counts pieces in all texts,
so that it knows every character. The translator sees every seed pair, because it demonstrates a build and need not
translate well.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, TARGET_LANGUAGES, language
from polyrefuse_data.rows import HARMLESS, LABELS

# Character similarity (rapidfuzz ratio, 0-100) from which a training text counts as a copy of a held-out prompt.
NEAR_DUPLICATE = 90


@dataclass(frozen=True)
class ChatExample:
    """One exchange: the user's prompt, the assistant's reply, and the prompt's label."""

    prompt: str
    reply: str
    label: str


@dataclass(frozen=True)
class Pair:
    """One sentence in two languages (BCP-47 codes)."""

    source: str
    target: str
    text: str
    translation: str


def reply_to(category: str, code: str) -> str:
    """The reply that the chat model learns: a refusal for a harmful category, a short answer for a harmless one."""
    texts = seed_texts(code)
    return texts.answers.get(category) or texts.refusals["plain"]


def seed_examples() -> list[ChatExample]:
    """The seed prompts of the train split with their replies, in all languages."""
    return [
        ChatExample(seed_texts(code).prompts[prompt.key], reply_to(prompt.category, code), prompt.label)
        for code in LANGUAGES
        for prompt in seed_prompts()
        if prompt.split == "train"
    ]


def framed_examples() -> list[ChatExample]:
    """Every phrase in every frame, in all languages, with the same frames for harmful and harmless phrases.

    Results nearly equal to a prompt of the validation or test split are left out.
    """
    from rapidfuzz import fuzz, process

    labels = {prompt.category: prompt.label for prompt in seed_prompts()}
    examples = []
    for code in LANGUAGES:
        texts = seed_texts(code)
        held_out = [texts.prompts[prompt.key] for prompt in seed_prompts() if prompt.split != "train"]
        for key, phrase in texts.phrases.items():
            category = key.split("-")[0]
            reply, label = reply_to(category, code), labels[category]
            for frame in texts.frames.values():
                text = frame.format(phrase)
                if process.extractOne(text, held_out, scorer=fuzz.ratio, score_cutoff=NEAR_DUPLICATE) is None:
                    examples.append(ChatExample(text, reply, label))
    return examples


def by_label(examples: list[ChatExample]) -> dict[str, list[ChatExample]]:
    """The examples by the label of their prompt."""
    return {label: [example for example in examples if example.label == label] for label in LABELS}


def translation_examples(rng: random.Random, count: int) -> list[ChatExample]:
    """Requests to translate between parallel training prompts, so that the languages share representations."""
    keys = [prompt.key for prompt in seed_prompts() if prompt.split == "train"]
    phrases = list(seed_texts(SOURCE_LANGUAGE).phrases)
    examples = []
    for _ in range(count):
        source, target = rng.sample(list(LANGUAGES), 2)
        if rng.random() < 0.5:
            key = rng.choice(keys)
            text, reply = seed_texts(source).prompts[key], seed_texts(target).prompts[key]
        else:
            key = rng.choice(phrases)
            text, reply = seed_texts(source).phrases[key], seed_texts(target).phrases[key]
        examples.append(ChatExample(f"{language(target).name}: {text}", reply, HARMLESS))
    return examples


def translation_pairs() -> list[Pair]:
    """Every seed prompt between English and each other language, both directions."""
    english = seed_texts(SOURCE_LANGUAGE).prompts
    pairs = []
    for code in TARGET_LANGUAGES:
        for key, text in seed_texts(code).prompts.items():
            pairs.append(Pair(SOURCE_LANGUAGE, code, english[key], text))
            pairs.append(Pair(code, SOURCE_LANGUAGE, text, english[key]))
    return pairs


def all_texts() -> list[str]:
    """Every text that the models read or write, for training their tokenizers."""
    texts = []
    for code in LANGUAGES:
        seeds = seed_texts(code)
        framed = [frame.format(phrase) for phrase in seeds.phrases.values() for frame in seeds.frames.values()]
        texts += [*seeds.prompts.values(), *framed, *seeds.answers.values(), *seeds.refusals.values()]
    return texts
