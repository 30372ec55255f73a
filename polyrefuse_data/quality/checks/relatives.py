"""related_language: letters and small words of a close relative (Afrikaans for Dutch, Galician for Spanish).

A language identifier is unsure on short texts of close relatives; the small words that one has and the other has not
are sure signs. The score counts the relatives' less the language's own, so that a borrowed word does not reject a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of

_WORD = re.compile(r"(?<!\d)['’]?[^\W\d_]+")


@dataclass(frozen=True)
class _Signs:
    """Small words that only the language has, small words that only its relatives have, and letters it never has."""

    own: frozenset[str]
    foreign: frozenset[str]
    letters: re.Pattern[str] | None = None


def _signs(own: str = "", foreign: str = "", letters: str = "") -> _Signs:
    return _Signs(frozenset(own.split()), frozenset(foreign.split()), re.compile(letters) if letters else None)


_RELATIVES: dict[str, _Signs] = {
    "nl": _signs(  # against Afrikaans
        "een het de en ik niet zijn mijn je jij u uw voor naar door deze dit geen aan wordt worden heeft hebben "
        "kan kunt moet schrijf geef maak noem beschrijf leg uit hun ze zij uit over bij",
        "'n ’n nie ek my jou hulle vir baie hoekom watter gee skryf sy wees hierdie daardie kry nuwe skep "
        "verduidelik beskryf lys wenke",
    ),
    "es": _signs(  # against Galician, Portuguese, Catalan, Asturian
        "el los las y cómo cuál cuáles cuántos más su sus esta este estos estas usted según hacia nuestro nuestra",
        "ao aos do na nas unha dunha nunha dun nun máis moi ou cal cales cantos dúas dous teu teus meu seu súa pola "
        "polo coa coas co xente noso nosa hai quen dáme podo outro outra outros outras doutro doutra doutros doutras é "
        "um uma em não você são pelo pela seus quanto quantos quantas existem nosso nossa posso quem foi quando dê-me "
        "els les amb és dels als i per què quants qui puc hi aquest aquesta seva meva dona'm són",
        "[ãõâêôçàèòï]|l·l",
    ),
    "it": _signs(  # against Catalan, Spanish, Portuguese, Corsican
        "il lo gli di che per con una un del della dei delle nel nella alla al è sono come quale cosa",
        "el los las els les en de y és amb més què es qué cómo para por más os um uma não",
        "[ñçãõ]",
    ),
    "fr": _signs(  # against Occitan, Catalan
        "le les des du une un et est dans pour sur avec que qui au aux en vous votre ce cette comment "
        "quel quelle",
        "lo las los del dels amb per cossí pòdi sus als al e una",
        "[ñòíóúáì]",
    ),
    "de": _signs(  # against Luxembourgish, Dutch
        "der die das den dem des ein eine einen einer eines und ist nicht mit für von zu ich sie wie auf "
        "im",
        "ech vun eng mat fir wéi een het van en niet ik zijn voor e dat dräi",
        "[éëèñáíóúãõøå]",
    ),
    "pl": _signs("", "", "[čšžřěůťďňáíýâêôöü]"),  # Czech, Slovak
    "ru": _signs(  # against Ukrainian, Belarusian, Serbian, Macedonian, Bulgarian
        "это как-то чтобы или что он она они мы вы её его их",
        "са се ще съм сте това тази този тези ги ми че е какво каква какъв къде кога защо кой коя кои мога може "
        "трябва със във опишете напишете предложете обяснете избройте посочете съставете",
        "[іїєґўјљњћђџѓќѕѝ]|ъ(?![еёюя])|как да ",
    ),
    "ar": _signs("", "", "[پچژگکیٹڈڑںےھہۀێۆ]"),  # Persian, Urdu, Kurdish
    "yo": _signs(  # against Igbo, Hausa
        "ti ni awọn lati ati fun kan ninu bawo kini o lori ṣe wa ko le pe si",
        "na nke ndị ka ga-esi kedu ihe nwere bụ m gị onye mmadụ ya maka ụmụ dị iji site da ga ba wani "
        "yadda menene",
        "[ịụṅɓɗƙ]",
    ),
}  # fmt: skip


def foreign_signs(batch: Batch) -> Scores:
    """Signs of a relative less signs of the language itself; not computed for languages without an entry."""
    return Scores(
        {
            "foreign_signs": score_of(
                [
                    _count(text, _RELATIVES[code]) if code in _RELATIVES else None
                    for text, code in zip(batch.prose, batch.language, strict=True)
                ]
            )
        }
    )


def _count(text: str, signs: _Signs) -> float:
    lowered = text.lower()
    found = _WORD.findall(lowered)
    foreign = sum(word in signs.foreign for word in found)
    letters = len(signs.letters.findall(lowered)) if signs.letters else 0
    own = sum(word in signs.own for word in found)
    return float(foreign + letters - own)


CHECK = Check("related_language", foreign_signs)
