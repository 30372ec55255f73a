# ruff: noqa: E501 (a table: wrapping would hide it)
"""Small numbers as words in thirteen languages: the beginnings that their inflected forms and compounds share."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ROMAN = {2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII", 9: "IX", 10: "X", 11: "XI", 12: "XII",
          15: "XV", 16: "XVI", 17: "XVII", 18: "XVIII", 19: "XIX", 20: "XX", 21: "XXI"}  # fmt: skip

# language -> number -> beginnings of the words that say it (cardinals, ordinals, compounds), in lower case, split at
# commas: regular expressions, since a few beginnings are those of other words too (Thai can, German create).
# Words that are articles as well (ein, un, kan) are left out: they would hide a lost 1.
_STEMS: dict[str, dict[int, str]] = {
    "ar": {1: "واحد,أول,وحيد", 2: "اثن,إثن,ثان,ثنائ", 3: "ثلاث,ثالث", 4: "أربع,رابع,رباع", 5: "خمس,خامس,خماس", 6: "ستة,ست ,سادس",
           7: "سبع,سابع", 8: "ثمان,ثامن", 9: "تسع,تاسع", 10: "عشر,عاشر", 11: "أحد عشر,إحدى عشر", 12: "اثني عشر,اثنا عشر", 20: "عشرين,عشرون",
           21: "حادي,واحد", 30: "ثلاثي,ثلاثو", 40: "أربعي,أربعو", 50: "خمسي,خمسو", 100: "مائة,مئة", 1000: "ألف,آلاف"},
    "de": {1: r"erste[nmrs]?\b,eins\b", 2: "zwei,zwo,beide", 3: "drei,dritt", 4: "vier", 5: "fünf", 6: "sechs", 7: "sieb", 8: "acht", 9: "neun", 10: "zehn",
           11: "elf", 12: "zwölf,dutzend", 20: "zwanzig", 30: "dreißig", 50: "fünfzig", 100: "hundert", 1000: "tausend"},
    "es": {1: "primer", 2: "dos,segund,ambos,bidim", 3: "tres,tercer,tridim", 4: "cuatr,cuart", 5: "cinc,quint", 6: "seis,sext",
           7: "siete,sépt", 8: "ocho,octav", 9: "nueve,noven", 10: "diez,décim,década", 11: "once", 12: "doce", 20: "veint",
           21: "veintiun", 30: "treinta", 50: "cincuenta", 100: "cien", 1000: "mil"},
    "fr": {1: "premi", 2: "deux,second,bidim", 3: "trois,tridim", 4: "quatr", 5: "cinq", 6: "six", 7: "sept", 8: "huit",
           9: "neuf,neuv", 10: "dix,décen", 11: "onz", 12: "douz", 20: "vingt", 21: "vingt", 30: "trent", 50: "cinquant",
           100: "cent", 1000: "mill"},
    "it": {1: "primo,prima,primi", 2: "due,second,entramb,bidim", 3: "tre,terz,tridim", 4: "quattr,quart", 5: "cinqu,quint",
           6: "sei,sest", 7: "sett", 8: "otto,ottav", 9: "nove,nono", 10: "dieci,decim,decenni", 11: "undic", 12: "dodic,dozzin",
           20: "vent", 21: "ventun", 30: "trent", 50: "cinquant", 100: "cent", 1000: "mill,mila"},
    "ja": {2: "二,両", 3: "三", 4: "四", 5: "五", 6: "六", 7: "七", 8: "八", 9: "九", 10: "十", 11: "十一", 12: "十二", 20: "二十",
           30: "三十", 50: "五十", 100: "百", 1000: "千", 10000: "万"},
    "ko": {1: "하나(?!요|$|\\?),한 가지,첫", 2: "두 ,둘", 3: "세 ,셋,세가지,삼차원,세 번", 4: "네 ,넷,네가지", 5: "다섯", 6: "여섯", 7: "일곱", 8: "여덟",
           9: "아홉", 10: "열 ,십", 11: "열한,십일", 12: "열두,십이", 20: "스무,스물,이십", 30: "서른,삼십", 50: "쉰,오십", 100: "백", 1000: "천",
           10000: "만"},
    "nl": {1: "eerst", 2: "twee,beide", 3: "drie,derd", 4: "vier", 5: "vijf", 6: "zes", 7: "zeven", 8: "acht", 9: "negen", 10: "tien",
           11: "elf", 12: "twaalf,dozijn", 20: "twintig", 30: "dertig", 50: "vijftig", 100: "honderd", 1000: "duizend"},
    "pl": {1: "jeden,jedn,pierws", 2: "dwa,dwie,dwó,dwu(?!tlen),drug,oba", 3: "trz,trój", 4: "czter,czwart", 5: "pięć,piąt", 6: "sześ,szóst",
           7: "sied,siód", 8: "osiem,ósm,ośm", 9: "dziewię", 10: "dziesię", 11: "jedenast", 12: "dwanaś,dwunast,tuzin", 20: "dwudziest,dwadzieśc",
           30: "trzydz", 50: "pięćdz", 100: "sto ,stu ,setn", 1000: "tysi"},
    "ru": {1: "один,одн,перв", 2: "два,две,дву,второ,втора,оба,обе", 3: "три,трё,трех,трет,трой", 4: "четыр,четв", 5: "пят", 6: "шест",
           7: "семь,семи,седьм", 8: "восем,восьм", 9: "девят", 10: "десят", 11: "одиннадцат", 12: "двенадцат,дюжин", 20: "двадцат",
           21: "двадцат", 30: "тридцат", 50: "пятьдесят,пятидесят", 100: "сто ,сотн", 1000: "тысяч"},
    "th": {1: "หนึ่ง", 2: "สอง", 3: "สาม(?!ารถ)", 4: "สี่", 5: "ห้า", 6: "หก", 7: "เจ็ด", 8: "แปด", 9: "เก้า", 10: "สิบ,ทศวรรษ", 11: "สิบเอ็ด", 12: "สิบสอง,โหล",
           20: "ยี่สิบ", 30: "สามสิบ", 50: "ห้าสิบ", 100: "ร้อย", 1000: "พัน", 10000: "หมื่น"},
    "yo": {1: "akọkọ", 2: "meji,eji,keji", 3: "mẹta,ẹta,kẹta", 4: "mẹrin,ẹrin,kẹrin", 5: "marun,arun,karun", 6: "mẹfa,ẹfa,kẹfa",
           7: "meje,eje,keje", 8: "mẹjọ,ẹjọ,kẹjọ", 9: "mẹsan,ẹsan,kẹsan", 10: "mẹwa,ẹwa,kẹwa", 11: "mọkanla,kọkanla", 12: "mejila,kejila",
           20: "ogun", 21: "kọkanlelogun,mọkanlelogun", 30: "ọgbọn", 50: "aadọta", 100: "ọgọrun", 1000: "ẹgbẹrun"},
    "zh": {2: "二,两,双", 3: "三", 4: "四", 5: "五", 6: "六", 7: "七", 8: "八", 9: "九", 10: "十", 11: "十一", 12: "十二", 20: "二十",
           21: "二十一", 30: "三十", 50: "五十", 100: "百", 1000: "千", 10000: "万"},
}  # fmt: skip

# What may stand before the stem: nothing inside a word, an article or conjunction in Arabic, anything in unspaced scripts.
_BEFORE = {"ar": r"\b[وفبلك]?(?:ال|لل)?", "ja": "", "th": "", "zh": ""}

_WORD_START = r"\b"

_BUDDHIST_YEARS = 543  # Thai texts count years from 544 BC
_MYRIADS = {"ja": "万", "zh": "万萬", "ko": "만"}  # East Asian numbers are grouped by ten thousand
_TONES = re.compile("[\u0300\u0301]")  # Yoruba texts are written with and without tone marks


def times_written_out(number: int, text: str, language: str) -> int:
    """How often `text` says `number` in words, as a Roman numeral, in myriads or, in Thai, as a Buddhist year."""
    pattern = _pattern(number, language)
    times = len(pattern.findall(_folded(text, language))) if pattern is not None else 0
    if number in _ROMAN:
        times += len(re.findall(rf"\b{_ROMAN[number]}\b", text))
    if language == "th":
        times += text.count(str(number + _BUDDHIST_YEARS))
    myriads, rest = divmod(number, 10_000)
    if myriads and not rest:
        times += sum(text.count(f"{myriads}{sign}") for sign in _MYRIADS.get(language, ""))
    return times


@lru_cache(maxsize=512)
def _pattern(number: int, language: str) -> re.Pattern[str] | None:
    stems = _STEMS.get(language, {}).get(number)
    if not stems:
        return None
    return re.compile(f"{_BEFORE.get(language, _WORD_START)}(?:{stems.replace(',', '|')})")


def _folded(text: str, language: str) -> str:
    if language != "yo":
        return text.lower()
    return unicodedata.normalize("NFC", _TONES.sub("", unicodedata.normalize("NFD", text.lower())))
