"""What machines leave in translations, planted on good rows in the forms in which models write it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

from polyrefuse_data.languages import language
from polyrefuse_data.quality.checks.debris import labels_of
from polyrefuse_data.text.debris import debris

Row = tuple[str, str, str]  # language, English, translation
Change = Callable[[Row], str]

# What each pack says of its language is not asked here: these are written as models write them.
_OWN = {
    "ar": ("العربية", "ملاحظة", "أو", "رسمي"), "de": ("Deutsch", "Anmerkung", "oder", "formell"),
    "es": ("Español", "Nota", "o", "formal"), "fr": ("Français", "Remarque", "ou", "soutenu"),
    "it": ("Italiano", "Nota", "oppure", "formale"), "ja": ("日本語", "注", "または", "丁寧"),
    "ko": ("한국어", "참고", "또는", "격식체"), "nl": ("Nederlands", "Opmerking", "of", "formeel"),
    "pl": ("Polski", "Uwaga", "lub", "formalnie"), "ru": ("Русский", "Примечание", "или", "официально"),
    "th": ("ภาษาไทย", "หมายเหตุ", "หรือ", "ทางการ"), "yo": ("Yorùbá", "Àkíyèsí", "tàbí", "ní ọ̀nà ìbọ̀wọ̀"),
    "zh": ("中文", "注", "或者", "正式"),
}  # fmt: skip


def _around(*forms: str) -> list[Change]:
    """Forms in which %t stands for the translation, %e for the English, %o for the language's own name, %n, %r and %f
    for its words for "note", "or" and "formal", %l for its English name, %c and %s for its codes."""

    def change(form: str) -> Change:
        def made(row: Row) -> str:
            known, (own, note, alternative, formal) = language(row[0]), _OWN[row[0]]
            parts = {"%o": own, "%n": note, "%r": alternative, "%f": formal, "%l": known.name.partition(" (")[0]}
            parts |= {"%c": known.code, "%s": known.flores, "%e": row[1], "%t": row[2]}
            return re.sub("%[onrflcset]", lambda sign: parts.get(sign[0], sign[0]), form)

        return made

    return [change(form) for form in forms]


def _escaped(row: Row) -> str:
    return json.dumps(row[2])[1:-1] if not row[2].isascii() else row[2].replace(" ", "\\u0020", 1)


ARTEFACTS: dict[str, list[Change]] = {
    "chat token": _around(
        "%t<|im_end|>", "%t<|eot_id|>", "<|im_start|>assistant\n%t", "%t<end_of_turn>", "%t<|end|>",
        "[INST] %t [/INST]", "%t<｜end▁of▁sentence｜>", "%t<|endoftext|>", "%t [/INST]", "<start_of_turn>model %t",
    ),
    "sequence token": _around(
        "%t</s>", "<s> %t", "%t<eos>", "<bos>%t", "%t <pad> <pad>", "%t<unk>", "⁇ %t", "%t ⁇",
        "<extra_id_0> %t", "%t<0x0A>", "%t [EOS]", "[CLS] %t [SEP]",
    ),
    "JSON": _around(
        '{"translation": "%t"}', '"translation": "%t"', '{"text": "%t", "language": "%c"}', "{'translation': '%t'}",
        '["%t"]', '{"translation": "%t',
    ),
    "fence": _around("```\n%t\n```", "```text\n%t\n```", "`%t`", "%t```", "```json %t"),
    "entity": _around("&quot;%t&quot;", "%t&nbsp;", "&lt;p&gt;%t", "%t&#39;", "&#x27;%t", "%t &amp; "),
    "escape": [*_around("%t\\n", "\\\"%t\\\"", "%t\\u200b", "%t%20%20", "%t\\t"), _escaped],
    "language tag": _around(
        "%s %t", "[%c] %t", "<2%c> %t", ">>%c<< %t", "__%c__ %t", "%c: %t", "<%c>%t</%c>", "%t (%c)", "[%s] %t",
        "%t %s",
    ),
    "label": _around(
        "%o: %t", "%l: %t", "Translation: %t", "%l translation: %t", "%o\n%t", "**%o:** %t", "Translation (%l): %t",
        "%o - %t", "Output: %t", "%o： %t",
    ),
    "BPE mark": _around("▁%t", "%t@@ ", "@@ %t", "Ġ%t", "%t▁", "▁▁%t", "%t##s"),
    "thinking": _around(
        "<think>\nThe user wants this translated.\n</think>\n\n%t", "<think>%t", "</think>%t", "[THINK]ok[/THINK]%t",
        "Let me translate this.\n\n%t", "<thinking>I should translate.</thinking>%t", "◁think▷ok◁/think▷%t",
        "Thinking: the text asks something. %t",
    ),
    "note": _around(
        "%t\n\nNote: this is a formal translation.", "%t (Note: formal register)", "%t\n%n: ...", "%t (%n: ...)",
        "%t\n\n(This keeps the tone of the original.)", "Note: %t", "%t [formal]", "%t — Note: formal.", "%t *%n: ok",
    ),
    "alternative": _around(
        "%t or: %t", "%t\nor: %t", "%t (formal)", "%t (%f)", "%t %r: %t", "%t / %t", "1. %t\n2. %t", "%t\n\n%t",
        "%t (informal)", "Alternatively: %t", "%t (or: %t)", "%t (%r: %t)", "- %t", "1. %t",
    ),
    "quoted whole": _around('"%t"', "“%t”", "«%t»", "„%t“", "'%t'", "「%t」", "‘%t’", '"%t', "''%t''"),
    "bold whole": _around("**%t**", "__%t__", "*%t*", "<b>%t</b>", "# %t", "***%t***", "> %t", "~~%t~~"),
    "trailing brace": _around("%t}", '%t"}', "%t]", "%t)", '%t"]}', "%t}}", "%t })"),
    "English beside": _around("%e → %t", "%e\n%t", "%e => %t", "%e = %t", "%l: %t\nEnglish: %e", "%t | %e"),
    "chatter": _around("%t 😊", "✅ %t", "%t\n\nLet me know if you need anything else!",
        "Translated with DeepL.com: %t"),
}  # fmt: skip

# What may stand in a prompt, and stands in its translation as well.
KEPT = (
    "<|im_end|>", "</s>", "<eos>", "⁇", '{"translation": "x"}', "```python\nprint('a_b')\n```", "`os.remove(path)`",
    "&quot;", "\\n", "deu_Latn", "Deutsch: ja", "@@ ", "▁", "<think>ok</think>", "(formal)", "**bold**", "}",
    "# 1", "x = [1, 2]",
    "or: no", "/ / ", "1. a\n2. b", "https://example.com/a_b", "100%",
    "{name}", "SELECT * FROM t WHERE a <> 'b';", "😊",
)  # fmt: skip


def found(rows: Sequence[Row]) -> float:
    """The share of rows with debris."""
    return sum(bool(debris(text, english, labels_of(language(code)))) for code, english, text in rows) / len(rows)


def planted(rows: Sequence[Row], changes: Sequence[Change]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        for step in range(min(2, len(changes))):
            change = changes[(2 * number + step) % len(changes)]
            yield row[0], row[1], change(row)


def kept(rows: Sequence[Row]) -> Iterator[Row]:
    for number, (code, english, text) in enumerate(rows):
        mark = KEPT[number % len(KEPT)]
        yield code, f"{english} {mark}", f"{text} {mark}"
