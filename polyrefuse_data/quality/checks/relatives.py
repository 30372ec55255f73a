"""related_language: does a close relative explain the text better than the language itself (Afrikaans for Dutch)?

The probability of language_id is shared by relatives on short texts; the odds between two languages are not. Relatives
that py3langid's model does not know show in words and letters of their own, each of which adds to those odds: one of
them in a sentence that otherwise reads as the language, such as a name, does not outweigh the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.quality.chinese import characters_not_japanese, other_chinese
from polyrefuse_data.text.naive_bayes import model
from polyrefuse_data.text.words import without_shared_words

_SIGN = 30.0  # nats that one sign adds: what the model says of two or three words of a relative that it knows

# Odds from which the words of the prompt may be left out: names are often in a third language.
_SUSPICIOUS = -10.0


def _signs(listed: str, pattern: str) -> Callable[[str], float]:
    """Counts the words of `listed` and what `pattern` matches, in lower case."""
    found = re.compile(rf"(?<!\w)(?:{'|'.join(listed.split())})(?!\w)|{pattern}")
    return lambda text: len(found.findall(text.lower()))


@dataclass(frozen=True)
class _Relatives:
    """Codes of relatives that the model knows, and a count of signs of those that it does not know."""

    known: str
    signs: Callable[[str], float] = lambda text: 0.0


_RELATIVES: dict[str, _Relatives] = {
    "ar": _Relatives("fa ur ps ku sdh ug"),
    "de": _Relatives(
        "lb nl af da no sv",
        _signs(  # Swiss German
            "isch bisch vo de uf chan cha chasch chönd chönt chöne chum chunnt chind chli chatz chatze choche choo "
            "mer dä hüt werum öppis öpper nöd nüt gsi gha gah goh gseh hesch häsch hend händ hät het wott wänn drüü "
            "zwe verzell gschicht guet gueti buech mues muess lueg zäme gits söll wär miis diis sini dini ufem emene "
            "läbe läbed vil jetz aa",
            r"üü|ää|öö|öi|uu[sfrtch]|[^h]ii[bstnrm]|(?<!\w)ch(?:[äö]|u[^ct])|(?<![\w'’.-])[dszei] (?=\w)",
        ),
    ),
    "es": _Relatives(
        "gl an ca pt oc ext it ro",
        _signs(  # Asturian; Galician and Portuguese
            "ye yera nel nes nesti esti pa pal pola coles colos mio ensin tamién dempués agora entós faer facer tien "
            "traduz conseyos meyor hestoria cuála cuálos ónde esplica describi escribi munches coses persones pataques "
            "suaños neñu neña unha dunha nunha dun nun ao aos máis moi dous dúas cales cantos teu meu seu súa coa coas "
            "noso nosa quen dáme podo você não um uma",
            r"(?<!\w)[dlnmts]['’](?=[aeiouh])|\w['’]l(?!\w)|\w{2}[áéí]u(?!\w)|(?<!\w)(?:güe|lli)"
            r"|(?<!\w)x(?:ente|en?er|uez|ust|un|ov|ui|og)|(?<!\w)(?!espíritu|tribu|menu|ímpetu)\w{2,}[bcdlmnrst]u(?!\w)",
        ),
    ),
    "fr": _Relatives("oc ca wa gcf gcr it ro"),
    "it": _Relatives(
        "vec lij ca es pt oc ro",
        _signs(  # Neapolitan, Sicilian, Venetian
            "nu na pe cu nun aggio aggia pecché picchì chillo chella cchiù comme comu duje dui lu supra nta quanno "
            "quannu addò unni xe cossa mejo vojo",
            r"(?<!\w)['’][eaon](?= )|(?<!\w)[ôâê](?!\w)|(?<!\w)n (?=\w{3})|(?<!\w)d[ia] l['’]|gghi[ua]?(?!\w)|[łî]"
            r"|(?<!\w)(?!menu|guru|tofu)\w{2,}[bcdlmnprstv]u(?!\w)",
        ),
    ),
    "ja": _Relatives("zh yue wuu", characters_not_japanese),
    "nl": _Relatives(
        "af fy lb de da no",
        _signs(  # Limburgish; Afrikaans
            "mich dich ich waat veur nao neet ouch euver miene dien diene mót twie woróm wae haet woe mense ek hulle "
            "baie hoekom watter hierdie daardie",
            r"sj(?=[rtplnmw])|[äö]|(?<!\w)'ne[nt]?(?!\w)|nj(?!\w)|(?<!\w)oet|[wgbdv]ae(?!l)",
        ),
    ),
    "pl": _Relatives(
        "cs sk sl hr",
        _signs(  # Silesian, Kashubian
            "moga chca sie kaj czymu abo ino mojigo trzi dej tyż bydzie niy lepij dzisiej gyszichta mie dlo wiela kej "
            "rzyka rzyki",
            r"[ōŏôãõòùë]|iy|rzi|tuplik|ojrop",
        ),
    ),
    "ru": _Relatives(
        "uk be bg mk sr",
        _signs(  # words of Ukrainian and Bulgarian without a letter of their own
            "як яка яке чому що це цей ця треба хто коли дуже буде "
            "са се ще съм сте това тази този тези ги ми какво каква къде кога защо кой коя кои мога със във една едно "
            "колко хора нещо някои няма преди докато също което която обясни обяснете опишете напишете назовете",
            r"(?<!\w)(?:как|мога) да(?!\w)|(?:ння|увати|тися)(?!\w)|[бвгджзклмнпрстфхцчшщ]ъ[бвгджзклмнпрстфхцчшщ]",
        ),
    ),
    "yo": _Relatives("ig ha sw guw ln"),
    "zh": _Relatives("yue wuu", other_chinese),
}


def relative_odds(batch: Batch) -> Scores:
    """Log-odds (nats) of the likeliest relative over the language; not computed for languages without an entry."""
    rows = [row for row, code in enumerate(batch.language) if code in _RELATIVES and batch.prose[row].strip()]
    odds = np.full(len(batch), np.nan)
    odds[rows] = _odds([batch.prose[row] for row in rows], [batch.language[row] for row in rows])
    doubtful = [row for row in rows if odds[row] > _SUSPICIOUS]
    rest = [without_shared_words(batch.prose[row], batch.prose_en[row]) for row in doubtful]
    odds[doubtful] = np.minimum(odds[doubtful], _odds(rest, [batch.language[row] for row in doubtful]))
    return Scores({"relative_odds": odds})


def _odds(texts: Sequence[str], languages: Sequence[str]) -> npt.NDArray[np.float64]:
    found = np.empty(len(texts))
    for row, (reading, text, code) in enumerate(zip(model().read_all(texts), texts, languages, strict=True)):
        own, *relatives = reading.scores[list(_columns(code))].tolist()
        found[row] = max(relatives) - own + _SIGN * _RELATIVES[code].signs(text)
    return found


@lru_cache(maxsize=32)
def _columns(code: str) -> tuple[int, ...]:
    """The column of the language, then those of its relatives."""
    return tuple(
        column for label in (code, *_RELATIVES[code].known.split()) for column in model().columns(frozenset({label}))
    )


CHECK = Check("related_language", relative_odds, lambda: model().name)
