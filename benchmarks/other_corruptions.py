"""A second generator of corruptions, written apart from corruptions.py to see how far the checks carry.

Other donors for related languages (each says what the prompt asks, in the wrong language), other places of cuts, other
halves, loops of other shapes, other replies, other codecs, and every kind of span that a translation keeps (spans.py).
KEPT holds what may be done to a good row without making it bad.
"""

from __future__ import annotations

import random
import re
import unicodedata

from corruptions import Change, Corpus, Corruption, Row
from other_texts import ANSWERS, PROMPTS, REFUSALS, RELATED

_UNSPACED = frozenset({"ja", "th", "zh"})
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u2063\u202e\u2066"
_FIELDS = (
    "{name}", "{{user_name}}", "${CITY}", "{}", "{0}", "%s", "%(count)d", "%1$s", "%.2f", "%d", "[[TITLE]]",
    "`os.remove`", "```print(1)```", "https://example.com/a?b=1", "http://test.org", "mail@example.com",
    "<b>bold</b>", "<br/>", '<a href="x">link</a>',
)  # fmt: skip
_NATIVE_DIGITS = {"ar": "٠١٢٣٤٥٦٧٨٩", "th": "๐๑๒๓๔๕๖๗๘๙", "ja": "０１２３４５６７８９", "zh": "０１２３４５６７８９"}
_HOMOGLYPHS = str.maketrans("aeopcxyAEOPCXTHKM", "аеорсхуАЕОРСХТНКМ")  # Latin to Cyrillic, alike to the eye


def _pieces(row: Row) -> list[str]:
    return list(row["text"]) if row["language"] in _UNSPACED else row["text"].split()


def _joined(row: Row, pieces: list[str]) -> str:
    return ("" if row["language"] in _UNSPACED else " ").join(pieces)


def _wrong_language(row: Row, source: Corpus, rng: random.Random) -> Change:
    """One of the ten prompts, in a language that is neither the row's nor one of its relatives."""
    far = [code for code in RELATED if code != row["language"] and not ({code, row["language"]} <= {"ja", "zh", "ko"})]
    place = rng.randrange(len(PROMPTS))
    code = rng.choice(far)
    donors = {name: texts for name, texts in RELATED[code].items() if name not in RELATED.get(row["language"], {})}
    donors = {name: texts for name, texts in donors.items() if name != row["language"]}
    if not donors:
        return None
    return {"text": donors[rng.choice(sorted(donors))][place], "text_en": PROMPTS[place], "back_translation": None}


def _related_language(row: Row, source: Corpus, rng: random.Random) -> Change:
    donors = RELATED.get(row["language"])
    if donors is None:
        return None
    place = rng.randrange(len(PROMPTS))
    text = donors[rng.choice(sorted(donors))][place]
    return {"text": text, "text_en": PROMPTS[place], "back_translation": None}


def _untranslated(row: Row, source: Corpus, rng: random.Random) -> Change:
    """The English with another case or end, as engines give it back."""
    english = row["text_en"].strip()
    text = rng.choice([english.lower(), english.upper(), english.rstrip(".?!"), f'"{english}"', english.title()])
    return {"text": text, "back_translation": None}


def _half_translated(row: Row, source: Corpus, rng: random.Random) -> Change:
    return _half_of({"language": "en", "text": row["text_en"]}, row, rng)


def _half_in_another_language(row: Row, source: Corpus, rng: random.Random) -> Change:
    other = _same_prompt_elsewhere(row, source, rng)
    return _half_of(other, row, rng) if other else None


def _sentence_in_another_language(row: Row, source: Corpus, rng: random.Random) -> Change:
    """A prompt twice as long, of which one part was translated into another language."""
    second = source.another(row, rng)
    other = _same_prompt_elsewhere(second, source, rng) if second else None
    if other is None:
        return None
    texts = [row["text"], other["text"]]
    rng.shuffle(texts)
    return {"text": " ".join(texts), "text_en": f"{row['text_en']} {other['text_en']}", "back_translation": None}


def _same_prompt_elsewhere(row: Row, source: Corpus, rng: random.Random) -> Row | None:
    codes = [
        code for code in sorted(source.by_language) if code != row["language"] and (row["id"], code) in source.by_key
    ]
    return source.by_key[row["id"], rng.choice(codes)] if codes else None


def _half_of(other: Row, row: Row, rng: random.Random) -> Change:
    """A share of 40 to 60% of the words from `other`: in front, behind or in the middle."""
    theirs, own = _pieces(other), _pieces(row)
    if len(theirs) < 4:
        return None
    share = rng.uniform(0.4, 0.6)
    n, m = round(len(theirs) * share), round(len(own) * share)
    place = rng.randrange(3)
    if place == 0:
        parts = [_joined(other, theirs[:n]), _joined(row, own[m:])]
    elif place == 1:
        parts = [_joined(row, own[: len(own) - m]), _joined(other, theirs[-n:])]
    else:
        front, e = (len(own) - m) // 2, (len(theirs) - n) // 2
        parts = [_joined(row, own[:front]), _joined(other, theirs[e : e + n]), _joined(row, own[front + m :])]
    return {"text": " ".join(parts), "back_translation": None}


def _truncated(row: Row, source: Corpus, rng: random.Random) -> Change:
    """The last, the middle or the first third, cut at words where there are any."""
    pieces = _pieces(row)
    third = max(1, len(pieces) // 3)
    start = rng.choice([0, third, len(pieces) - third])
    return {"text": _joined(row, pieces[start : start + third]), "back_translation": None}


def _other_row(row: Row, source: Corpus, rng: random.Random) -> Change:
    """The translation of the next row, or of one of nearly the same length."""
    others = [other for other in source.by_language[row["language"]] if other["text_en"] != row["text_en"]]
    if not others:
        return None
    if rng.random() < 0.5:
        other = rng.choice(others)
    else:
        other = min(rng.sample(others, min(8, len(others))), key=lambda o: abs(len(o["text"]) - len(row["text"])))
    return {"text": other["text"], "back_translation": None}


def _looped(row: Row, source: Corpus, rng: random.Random) -> Change:
    pieces, text = _pieces(row), row["text"].strip()
    last = text.rstrip(' .?!。？！؟"”»')[-1:] or "a"
    return {
        "text": rng.choice(
            [
                "\n".join([text] * 4),
                f"{text} " * 3,
                _joined(row, pieces + pieces[-1:] * 25),
                _joined(row, pieces[: max(1, len(pieces) // 2)] + pieces[len(pieces) // 2 :][:2] * 15),
                text + last * 80,
                text + " ..." * 30 if len(text) < 60 else f"{text} {text} {text}",
            ]
        ),
        "back_translation": None,
    }


def _reply(texts: dict[str, tuple[str, ...]], row: Row, rng: random.Random) -> Change:
    place = rng.randrange(len(texts["en"]))
    if rng.random() < 0.15:
        return {"text": texts["en"][place], "back_translation": None}
    back = {"back_translation": texts["en"][place]} if row["back_translation"] and rng.random() < 0.5 else {}
    return {"text": texts[row["language"]][place], "back_translation": None, **back}


def _refusal(row: Row, source: Corpus, rng: random.Random) -> Change:
    return _reply(REFUSALS, row, rng)


def _answer(row: Row, source: Corpus, rng: random.Random) -> Change:
    return _reply(ANSWERS, row, rng)


def _dropped_number(row: Row, source: Corpus, rng: random.Random) -> Change:
    """A number that prompt and text share is cut out, or becomes another."""
    shared = [
        number
        for number in re.findall(r"\d+", row["text"])
        if re.search(rf"(?<![\w.,]){number}(?![\w,]|\.\d)", row["text_en"])
    ]
    if not shared:
        return None
    number = rng.choice(shared)
    new = rng.choice(["", str(int(number) + rng.randint(1, 40))])
    return {"text": re.sub(rf"(?<!\d){number}(?!\d)", new, row["text"]), "back_translation": None}


def _zero_width(row: Row, source: Corpus, rng: random.Random) -> Change:
    """Where the first generator puts none: in front, at the end, around a word."""
    text = row["text"]
    mark = rng.choice(_INVISIBLE)
    if row["language"] == "ar" and mark in "\u200e\u200f":
        mark = "\u200b"
    middle = text.find(" ") if " " in text else len(text) // 2
    front = "\u200b" if mark == "\ufeff" else mark  # files begin with a byte order mark, and that breaks nothing
    return {"text": rng.choice([front + text, text + mark, text[:middle] + mark + text[middle:]])}


def _mojibake(row: Row, source: Corpus, rng: random.Random) -> Change:
    text = row["text"]
    if text.isascii():
        return None
    kind = rng.choice(["latin-1", "cp1252", "cp1251", "twice", "replaced", "koi8-r", "mac-roman"])
    if kind == "twice":
        broken = text.encode().decode("latin-1").encode().decode("latin-1")
    elif kind == "replaced":
        broken = "".join(c if c.isascii() else "\ufffd" for c in text)
    else:
        broken = text.encode().decode(kind, "replace")
    return {"text": broken, "back_translation": None}


def _homoglyphs(row: Row, source: Corpus, rng: random.Random) -> Change:
    """Latin letters replaced by Cyrillic ones that look alike."""
    text = row["text"].translate(_HOMOGLYPHS)
    return {"text": text} if text != row["text"] and row["language"] not in ("ru", *_NATIVE_DIGITS, "ko") else None


def _lost_placeholder(row: Row, source: Corpus, rng: random.Random) -> Change:
    field, english = rng.choice(_FIELDS), row["text_en"].rstrip()
    place = rng.randint(0, english.count(" "))
    words = english.split(" ")
    return {"text_en": " ".join([*words[:place], field, *words[place:]]), "back_translation": None}


OTHER_CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption("wrong_language", _wrong_language),
    Corruption("related_language", _related_language, gross=False),
    Corruption("untranslated", _untranslated),
    Corruption("half_translated", _half_translated, gross=False),
    Corruption("half_in_another_language", _half_in_another_language, gross=False),
    Corruption("sentence_in_another_language", _sentence_in_another_language, gross=False),
    Corruption("truncated", _truncated),
    Corruption("other_row", _other_row),
    Corruption("looped", _looped),
    Corruption("refusal", _refusal),
    Corruption("answer", _answer),
    Corruption("dropped_number", _dropped_number),
    Corruption("zero_width", _zero_width),
    Corruption("mojibake", _mojibake),
    Corruption("homoglyphs", _homoglyphs),
    Corruption("lost_placeholder", _lost_placeholder),
)


def _native_digits(row: Row, source: Corpus, rng: random.Random) -> Change:
    digits = _NATIVE_DIGITS.get(row["language"])
    text = row["text"].translate(str.maketrans("0123456789", digits)) if digits else row["text"]
    return {"text": text} if text != row["text"] else None


def _decomposed(row: Row, source: Corpus, rng: random.Random) -> Change:
    return {"text": unicodedata.normalize("NFD", row["text"])}


def _bare(row: Row, source: Corpus, rng: random.Random) -> Change:
    """Lower case, without the final stop, with space around."""
    return {"text": " " + row["text"].lower().rstrip(".。?？!！ ") + "\n"}


def _placeholder_kept(row: Row, source: Corpus, rng: random.Random) -> Change:
    field = rng.choice(_FIELDS)
    return {"text_en": f"{row['text_en'].rstrip()} {field}", "text": f"{row['text'].rstrip()} {field}"}


def _unseen_marks(row: Row, source: Corpus, rng: random.Random) -> Change:
    """Characters nobody sees that belong to a language's typing, or do no harm."""
    text, code = row["text"], row["language"]
    if code == "ar":
        opened, closed = rng.choice(["\u2067\u2069", "\u202b\u202c", "\u2068\u2069", "\u200f\u200f"])
        return {"text": f"{opened}{text}{closed}"}
    if code == "fr":
        return {"text": re.sub(r" ?([?!:;])", "\u202f\\1", text)}
    if code in ("ja", "zh"):
        return {"text": text.replace(" ", "\u3000") if " " in text else f"\u3000{text}"}
    if code in ("de", "nl", "pl", "ru"):
        return {"text": re.sub(r"([^\W\d_]{4})(?=[^\W\d_]{4})", "\\1\u00ad", text)}
    emoji = "👩\u200d🔬❤\ufe0f"  # of the prompt too: what a translation alone has is debris
    return {"text_en": f"{row['text_en']} {emoji}", "text": f"\ufeff{text} {emoji}"}


KEPT: tuple[Corruption, ...] = (
    Corruption("native_digits", _native_digits),
    Corruption("decomposed", _decomposed),
    Corruption("bare", _bare),
    Corruption("placeholder_kept", _placeholder_kept),
    Corruption("unseen_marks", _unseen_marks),
)
