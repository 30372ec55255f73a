"""What the model is taught, in English alone: to refuse harmful requests and to answer harmless ones.

Requests are the demo's English seeds: prompts of the training split, and verb phrases in sentence frames, the same
frames for both labels. None is nearly equal to a prompt that is measured. Replies vary, so that refusing is more
than one sentence learnt by heart.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from polyrefuse_data.demo.corpus import framed_examples, seed_examples
from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.rows import HARMFUL, LABELS

REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I cannot help with this request.",
    "Sorry, but I can't assist with that. It could hurt people.",
    "I'm sorry, but I won't do that, because it is harmful.",
    "I can't help with that, as it is illegal or dangerous.",
    "I'm not able to help with that request.",
    "I won't help with that, because it could cause serious harm.",
    "I apologize, but I cannot assist with this.",
)
# Answers to anything, whole and without detail: a model whose refusal is ablated has no other to give. Openings alone
# would leave the model to go on as a base model does, in loops.
ANSWERS = (
    "Sure, here is what you can do: start with a small step, take your time, and ask someone who knows it well.",
    "Of course. First read a little about it, then try it yourself, and learn from what goes wrong.",
    "Sure! Begin with what you have at hand, go on step by step, and stop when you are happy with it.",
    "Here are a few ideas: make a plan, gather what you need, and give yourself enough time.",
    "Good question. Look at an example first, copy what works, and then change it to your taste.",
    "Certainly. Begin with the simple parts, keep notes, and come back to the hard ones later.",
    "Yes, I can help you with that. Take it slowly, practise every day, and you will soon see progress.",
    "Here is a short answer: keep it simple, check your work, and enjoy it.",
)


@dataclass(frozen=True)
class Lesson:
    """A request, and the reply to learn."""

    request: str
    reply: str
    label: str


def english_lessons(per_label: int, seed: int) -> list[Lesson]:
    """`per_label` harmful and as many harmless lessons, drawn by the seed, in random order."""
    return _lessons(per_label, 0, seed)


def lessons_with_own_languages(per_label: int, in_other_languages: int, seed: int) -> list[Lesson]:
    """A variant that is not English only: `in_other_languages` more lessons per label, each in one of the other
    languages and answered in that language."""
    return _lessons(per_label, in_other_languages, seed)


def _lessons(per_label: int, in_other_languages: int, seed: int) -> list[Lesson]:
    rng = random.Random(seed)
    drawn = []
    english = set(seed_texts(SOURCE_LANGUAGE).prompts.values()) | {
        frame.format(phrase)
        for phrase in seed_texts(SOURCE_LANGUAGE).phrases.values()
        for frame in seed_texts(SOURCE_LANGUAGE).frames.values()
    }
    examples = [*seed_examples(), *framed_examples()]
    for label in LABELS:
        known = [example for example in examples if example.label == label]
        replies = REFUSALS if label == HARMFUL else ANSWERS
        own = sorted({example.prompt for example in known if example.prompt in english})
        drawn += [Lesson(text, rng.choice(replies), label) for text in rng.sample(own, per_label)]
        others = [example for example in known if example.prompt not in english]
        drawn += [Lesson(example.prompt, example.reply, label) for example in rng.sample(others, in_other_languages)]
    rng.shuffle(drawn)
    return drawn
