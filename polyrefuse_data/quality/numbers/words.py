# ruff: noqa: E501 (a table: wrapping would hide it; letters of many scripts)
"""Words that say numbers, in English and thirteen languages, as data: reading.py reads them.

A form is a regular expression for a whole word, in lower case; forms are parted by spaces. `~` is an ending of the
language's adjectives, `*` any ending (it stands where no other word begins so), `_` a space. Compounds are not listed:
numbers are put together from their parts, so "fünfundzwanzig" is five and twenty.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from polyrefuse_data.text.words import VOWEL_SIGNS

Words = Mapping[float, str]


@dataclass(frozen=True)
class NumberWords:
    """How one language says numbers. Every pattern is a regular expression.

    `inside` stands between the parts of a compound, `between` between its words, `before` in front of a word. In an
    unspaced language words need no border. `tenfold` counts tens as it counts hundreds (2 10 5). Where `positional`,
    words may be strung together as digits are (二〇二一); where `scale_first`, the thousand stands before what it
    multiplies; from `never_alone` on, a word needs something before it to multiply. `unlike` are words and names that
    only look like numbers; `fold` takes out marks that may be missing.
    """

    words: Words
    endings: str = ""
    inside: str = ""
    between: str = r"[ \u00a0-]"
    before: str = ""
    unlike: str = ""
    positional: bool = False
    spaced: bool = True
    tenfold: bool = False
    scale_first: bool = False
    never_alone: float = float("inf")
    fold: Callable[[str], str] = str


_ARABIC_LETTERS = str.maketrans("أإآٱىة", "اااايه")
_TONES = re.compile("[\u0300\u0301\u0304]")
# Told from other words by their tones alone: ogun is war, eje is blood.
_TONED = {"ogún": 20, "èjì": 2, "ẹ̀ta": 3, "ẹ̀rin": 4, "àrún": 5, "ẹ̀fà": 6, "èje": 7, "ẹ̀jọ": 8, "ẹ̀sán": 9, "ẹ̀wá": 10}
_TONED_FORMS = {unicodedata.normalize("NFC", word): value for word, value in _TONED.items()}
_TONED_WORD = re.compile(rf"\b(?:{'|'.join(_TONED_FORMS)})(?![\w\u0300\u0301])")


def _folded_arabic(text: str) -> str:
    return VOWEL_SIGNS.sub("", text).translate(_ARABIC_LETTERS)


def _folded_yoruba(text: str) -> str:
    marked = _TONED_WORD.sub(lambda match: str(_TONED_FORMS[match.group()]), unicodedata.normalize("NFC", text))
    parted = unicodedata.normalize("NFD", marked).replace("\u0329", "\u0323")
    return unicodedata.normalize("NFC", _TONES.sub("", parted))


_HAN_UNLIKE = (
    "十分(?![钟鐘之の])|十足|一般|一旦|一切|一定|一直|一些|一下|一起|一样|一樣|一边|一邊|一面|一再|一致|一向|一律|一味|一瞬|一方|一体|一體|一番|"
    "一緒|一部|一層|一様|一応|統一|统一|唯一|同一|单一|單一|万一|萬一|千万(?=[不别別要])|万能|万引き|万物|万博|萬能|百姓|百科|百貨|百货|百合|三角|三明治|"
    "三文治|三菱|三星|三井|四川|四季|四国|四周|五金|五輪|五感|六合|七夕|七面鳥|八卦|八百屋|八方|九龙|九龍|九州|千葉|千切|千秋|二酸化|二氧化|二维码|"
    "二次元|两岸|両親|両立|両替|两性|二手|八幡|三日月|亿万富|四方|四肢|三振|三味"
)

_COUNTED = "(?=_?(?:가지|개|명|번|권|달|시|살|사람|마리|줄|문장|단어|단락|편|곳|배|주|자리|쪽|장|병|잔|시간|차례|종류|대|나라|단계|항목|방법|이유|예|문단|방향|친구|점|팀|쌍|그룹|부분|조각|회사|국가|도시|지역|인물|주인공|캐릭터|형제|아이|남자|여자|질문|해|분|차원|수))"
_SINO = "(?:차원|세기|단계|개월|주일|주간|주년|학년|계절|등(?![가-힣])|년(?!대기)|분(?=_|간|동안|이내|[.,]|$)|월(?![가-힣])|월에|월의|분의)"


def _yoruba() -> Words:
    """Yoruba counts from the nearest twenty or ten: 21 is "one over twenty", 26 "four short of thirty".

    Without tone marks, and with dots below that may be missing. Left out are words that without their marks are more
    common ones: ogun (20, or war), igba (200, or time).
    """
    units = {
        1: "ọkan",
        2: "eji",
        3: "ẹta",
        4: "ẹrin",
        5: "arun(?:-?un)?",
        6: "ẹfa",
        7: "eje",
        8: "ẹjọ",
        9: "ẹsan(?:-?an)?",
        10: "ẹwaa?",
    }
    tens = {
        20: "ogun",
        30: "ọgbọn",
        40: "ogoji",
        50: "aadọta",
        60: "ọgọta",
        70: "aadọrin",
        80: "ọgọrin",
        90: "aadọrun(?:-?un)?",
        100: "ọgọọ?run(?:-?un)?",
    }
    forms: dict[float, str] = {value: f"[mk]{form}" for value, form in units.items()}
    forms |= {value: form for value, form in tens.items() if value != 20}
    forms |= {10 + unit: f"[mk]{units[unit]}la" for unit in (1, 2, 3, 4)}
    for ten, name in tens.items():
        forms |= {ten - unit: f"[mk]{units[unit]}dinl{name}" for unit in (1, 2, 3, 4, 5)}
        forms |= {ten + unit: f"[mk]{units[unit]}lel{name}" for unit in (1, 2, 3, 4)}
    more = {0.5: "idaji aabọ", 1: "kan ọkan ẹyọkan", 2: "mejeeji", 3: "mẹtẹẹta", 15: "[mk]?ẹẹ+dogun", 25: "[mk]?ẹẹ+dọgbọn", 300: "ọọdunrun", 400: "irinwo",
            500: "ẹẹdẹgbẹta", 1000: "ẹgbẹẹ?run", 2000: "ẹgbaa", 10**6: "miliọnu", 10**9: "biliọnu"}  # fmt: skip
    forms |= {value: f"{forms.get(value, '')} {more[value]}".strip() for value in more}
    undotted = {value: form.replace("ẹ", "[ẹe]").replace("ọ", "[ọo]") for value, form in forms.items()}
    return undotted | {1: f"{undotted[1]} akọkọ"}  # akoko is time


NUMBER_WORDS: dict[str, NumberWords] = {
    "en": NumberWords({
        0: "zero", 0.5: "half", 1: "one first", 2: "two (?<=ty[_-])second", 3: "three third thirds", 4: "four fourth", 5: "five fifth", 6: "six sixth",
        7: "seven seventh", 8: "eight eighth", 9: "nine ninth", 10: "ten tenth", 11: "eleven eleventh", 12: "twelve twelfth dozen",
        13: "thirteen thirteenth", 14: "fourteen fourteenth", 15: "fifteen fifteenth", 16: "sixteen sixteenth", 17: "seventeen seventeenth",
        18: "eighteen eighteenth", 19: "nineteen nineteenth", 20: "twenty twentieth twenties", 30: "thirty thirtieth thirties",
        40: "forty fortieth forties", 50: "fifty fiftieth fifties", 60: "sixty sixtieth sixties", 70: "seventy seventies",
        80: "eighty eighties", 90: "ninety nineties", 100: "hundred hundreds hundredth", 1000: "thousand thousands (?<=\\d)k",
        10**6: "million millions mln (?<=\\d)m", 10**9: "billion billions bn (?<=\\d)b", 10**12: "trillion trillions tn",
    }, between="[ \u00a0-](?:and )?(?:a )?"),
    "ar": NumberWords({
        0: "صفر", 0.5: "نصف", 1: "واحدا? واحده احد احدي اول اولي حادي حاديه وحيد وحيده", 2: "اثنان اثنين اثنتان اثنتين اثنا اثني اثنتا اثنتي ثان ثاني (?<=ال)ثانيه ثانيا كلا كلتا ثنائي* "
        "\\b(?!\\w{0,4}ستين)\\w{2,9}تين\\b \\b\\w{2,9}تان\\b حلين حلان طريقين سببين سببان مثالين مثالان كتابين شخصين شخصان يومين اسبوعين شهرين عامين خيارين موقعين سؤالين سؤالان نوعين نوعان عنصرين رقمين عددين بلدين فريقين طفلين رجلين اقتراحين",
        3: "ثلاث ثلاثه ثالث ثالثه ثالثا ثلث اثلاث ثلاثي*", 4: "اربع اربعه رابع رابعه رابعا ربع ارباع رباعي*", 5: "خمس خمسه خامس خامسه خامسا خماسي*", 6: "ست سته سادس سادسه سادسا سداسي*",
        7: "سبع سبعه سابع سابعه سابعا سباعي*", 8: "ثمان ثماني ثمانيه ثامن ثامنه ثامنا ثمن", 9: "تسع تسعه تاسع تاسعه تاسعا", 10: "عشر عشره عاشر عاشره عشرات عقد",
        12: "دزينه", 20: "عشرون عشرين عشرينات عشرينيات", 30: "ثلاثون ثلاثين ثلاثينات ثلاثينيات", 40: "اربعون اربعين اربعينات اربعينيات", 50: "خمسون خمسين خمسينات خمسينيات",
        60: "ستون ستين ستينات ستينيات", 70: "سبعون سبعين سبعينات سبعينيات", 80: "ثمانون ثمانين ثمانينات ثمانينيات", 90: "تسعون تسعين تسعينات تسعينيات",
        100: "مايه ميه مءه مائه مئه مئات", 200: "مايتان مئتان مئتين مئتي مائتان مائتين مائتي", 1000: "الف الاف الفا", 2000: "الفان الفين الفي",
        10**6: "مليون ملايين مليونا", 2 * 10**6: "مليونان مليوني مليونين", 10**9: "مليار مليارات مليارا بليون", 2 * 10**9: "ملياران مليارين ملياري", 10**12: "تريليون ترليون تريليونات",
    }, between="[ \u00a0](?:و ?)?", before="[وفبلك]{0,2}(?:ال|لل|ل)?", fold=_folded_arabic),
    "de": NumberWords({
        0: "null", 0.5: "halb halb~ einhalb einhalbe[rsn]? hälfte", 1.5: "anderthalb* eineinhalb*", 1: "ein(?!halb) eins eine[mnrs]? erst~ erstens einmal einmalig*",
        2: "zwei(?!f|g)* zwo beide[mnrs]? doppelt", 3: "drei(?!ste?[nrs]?\\b|stig)* dritt*", 4: "vier*", 5: "fünf*", 6: "sechs*", 7: "sieben(?!d|t\\b)* siebt~ siebten* siebtel*",
        8: "acht achtens achter achtes achtel* acht(?=jähr|tägi|stell|stöck|seit|fach|mal|und|hundert|tausend|köpf|stündi|monat|wöch|teil|eck|zehn|zig)* (?:(?<=de[rmns]_)|(?<=die_)|(?<=das_)|(?<=am_)|(?<=im_)|(?<=zum_))achten?",
        9: "neun*", 10: "zehn* jahrzehnt* dekade*", 11: "elf elft~ elften* elf(?=jähr|stell|mal|tägi|seit|köpf|hundert|tausend)*", 12: "zwölf* dutzend*", 16: "sechzehn*", 17: "siebzehn*",
        20: "zwanzig*", 30: "dreißig* dreissig*", 40: "vierzig*", 50: "fünfzig*", 60: "sechzig*", 70: "siebzig*", 80: "achtzig*", 90: "neunzig*", 100: "hundert*",
        1000: "tausend* tsd", 10**6: "million* mio", 10**9: "milliarde* mrd", 10**12: "billion* bio",
    }, endings="e[mnrs]?", inside="(?:und)?"),
    "es": NumberWords({
        0: "cero", 0.5: "medi[oa]s? mitad", 1: "uno? ún una primer~ primer única único", 2: "dos dós segundo segunda segundas ambos ambas doble dobles dúo bidimensional*",
        3: "tres trés tercer tercer~ tercio tercios trío tridimensional*", 4: "cuatro cuart~", 5: "cinco quint~", 6: "seis séis sext~", 7: "siete séptim~",
        8: "ocho octav~", 9: "nueve noven~", 10: "diez décim~ década décadas decena decenas decenio*", 11: "once undécim~ onceav~", 12: "doce duodécim~ docena docenas", 13: "trece",
        14: "catorce", 15: "quince quincena* quinceañer*", 16: "dieciséis dieciseis", 17: "diecisiete", 18: "dieciocho", 19: "diecinueve", 20: "veinte veinti(?=[uúdtcson]) vigésim~ veinteañer~ veintitant~ veintena*",
        30: "treinta trigésim~ treintañer~ treintena*", 40: "cuarenta cuadragésim~ cuarentena?", 50: "cincuenta quincuagésim~ cincuentena*", 60: "sesenta sexagésim~", 70: "setenta",
        80: "ochenta", 90: "noventa", 100: "cien ciento cientos centenar centenares centésim~", 200: "doscient~", 300: "trescient~", 400: "cuatrocient~", 500: "quinient~",
        600: "seiscient~", 700: "setecient~", 800: "ochocient~", 900: "novecient~", 1000: "mil miles millar* milésim~", 10**6: "mill[oó]n millones", 10**9: "millardo*", 10**12: "bill[oó]n billones",
    }, endings="[oa]s?", between=r"[ \u00a0-](?:y |de )?"),
    "fr": NumberWords({
        0: "zéro", 0.5: "demie? moitié", 1: "une? premi[eè]re? premiers premières unième", 2: "deux deuxième* second seconde doubles? bidimension*", 3: "trois troisième* tiers tridimension*",
        4: "quatre quatrième* quart quarts", 5: "cinq cinquième*", 6: "six sixième*", 7: "sept septième*", 8: "huit huitième* huitaine", 9: "neuf neuvième*", 10: "dix dixième* dizaine* décennie* décade",
        11: "onze onzième*", 12: "douze douzième* douzaine*", 13: "treize treizième*", 14: "quatorze quatorzième*", 15: "quinze quinzième* quinzaine*", 16: "seize seizième*",
        20: "vingts? vingtième* vingtaine*", 30: "trente trentième* trentaine*", 40: "quarante quarantième* quarantaine", 50: "cinquante cinquantième* cinquantaine*",
        60: "soixante soixantième* soixantaine*", 80: "quatre-vingts? quatre_vingts? quatre-vingtième*", 90: "nonante", 70: "septante", 100: "cents? centième* centaine*", 1000: "mille milliers? millième*",
        10**6: "million*", 10**9: "milliard*", 10**12: "billion*",
    }, between=r"[ \u00a0-](?:et[ -])?(?:de )?"),
    "it": NumberWords({
        0: "zero", 0.5: "mezz[oaie] metà", 1: "uno? una un(?=') primo primi prime (?<=la_)prima unico unica", 2: "due second[aei] secondo entramb~ doppi[oa]? bidimension*", 3: "tre tré terz~ tridimension*", 4: "quattro quart~",
        5: "cinque quint~", 6: "(?<!tu_)(?<!se_)(?<!che_)(?<!chi_)(?<!non_)(?<!ci_)(?<!dove_)(?<!come_)(?<!quando_)sei(?!_(?:un|una|uno|il|lo|la|in|a|al|di|da|con|per|stat[oa]|così|molto|mai|tu|solo|sola|già|pront[oa]|sicur[oa]|liber[oa]|brav[oa])\\b)(?!_(?:un|l)') sest~",
        7: "sette settim[oaie]", 8: "otto ottav~", 9: "nove non[oae]", 10: "dieci decim~ decennio decenni decina decine", 11: "undic(?:i|enn[ei])", 12: "dodic(?:i|enn[ei]) dozzina dozzine",
        13: "tredic(?:i|enn[ei])", 14: "quattordic(?:i|enn[ei])", 15: "quindic(?:i|enn[ei])", 16: "sedic(?:i|enn[ei])", 17: "diciassett(?:e|enn[ei])", 18: "diciott(?:o|enn[ei])", 19: "diciannove", 20: "venti vent(?=uno|un|otto|esim|enn)* ventin[ao]", 30: "trenta trent(?=uno|un|otto|esim|enn)* trentina",
        40: "quaranta quarant(?=uno|un|otto|esim|enn)*", 50: "cinquanta cinquant(?=uno|un|otto|esim|enn)* cinquantina", 60: "sessanta sessant(?=uno|un|otto|esim|enn)*", 70: "settanta settant(?=uno|un|otto|esim|enn)*",
        80: "ottanta ottant(?=uno|un|otto|esim|enn)*", 90: "novanta novant(?=uno|un|otto|esim|enn)*", 100: "cento cent(?=otto|esim) centinai[ao]", 1000: "mille mila migliaia migliaio millesim~",
        10**6: "milione milioni mln", 10**9: "miliardo miliardi mld", 10**12: "bilione bilioni",
    }, endings="[oaie]", between=r"[ \u00a0-](?:e |di )?"),
    "ja": NumberWords({
        0: "零 〇 ゼロ", 0.5: "半", 1: "一 壱 ひとつ ひとり", 2: "二 両 ふたつ ふたり 弐", 3: "三 みっつ スリー(?!プ)", 4: "四 よっつ", 5: "五 いつつ ファイブ", 6: "六 むっつ", 7: "七 ななつ セブン", 8: "八 やっつ", 9: "九 ここのつ ナイン", 10: "十",
        100: "百", 1000: "千", 10**4: "万 萬", 10**8: "億", 10**12: "兆",
    }, between=" ", unlike=_HAN_UNLIKE, positional=True, spaced=False, tenfold=True, never_alone=10**4),
    "ko": NumberWords({
        0: "영(?=[%시도퍼점으]|$)* 제로*", 0.5: "반(?=에|까지|부터|이|의|,|_|\\.|$|\\?|으로)* 절반*", 1: f"한(?=두)* 하루* 하나(?!요|님)* 한{_COUNTED}* (?<=[열물른흔쉰순든])한* 첫* 일(?=[십백천만억]|_?{_SINO})* (?<=십)일*", 2: f"(?<=한)두* 두(?=세)* 이틀* 둘이* 둘* 두{_COUNTED}* (?<=[열물른흔쉰순든])두* 두(?=_)* 이(?=[십백천만억]|_개월|{_SINO})* (?<=십)이*",
        3: f"서(?=너)* 사흘* 쓰리* 셋* 세{_COUNTED}* (?<=[열물른흔쉰순든두])세* 석(?=_달|_장)* 삼(?=[십백천만억]|_?{_SINO})* (?<=십)삼*", 4: f"(?<=서)너* 나흘* 넷* 네{_COUNTED}* (?<=[열물른흔쉰순든])네* 넉(?=_달|_장)* 사(?=[십백천만억]|_?{_SINO})* (?<=십)사*",
        5: f"닷새* 파이브* 다섯* 오(?=[십백천만억]|_?{_SINO})* (?<=십)오*", 6: f"유월(?=_|에|의)* 엿새* 여섯* 육(?=[십백천만억]|_?{_SINO})* (?<=십)육*", 7: f"이레(?=_|간|동안)* 일곱* 칠(?=[십백천만억]|_?{_SINO})* (?<=십)칠*",
        8: f"여덟* 팔(?=[십백천만억]|_?{_SINO})* (?<=십)팔*", 9: f"아홉* 구(?=[십백천만억]|_?{_SINO})* (?<=십)구*",
        10: f"시월(?=_|에|의)* 열흘* 십* 열(?=하나|한|두|둘|세|셋|네|넷|다섯|여섯|일곱|여덟|아홉)* 열{_COUNTED}* 열(?=_)*", 20: "스물* 스무(?=_|살|명|개)*", 30: "서른*", 40: "마흔*", 50: "쉰*", 60: "예순*", 70: "일흔*", 80: "여든*", 90: "아흔*",
        100: "백(?=[일이삼사오육칠팔구십만억]|년|명|개|번|원|배|가지)* 백(?=_)* (?<=[일이삼사오육칠팔구\\d])백*", 1000: "천(?=[일이삼사오육칠팔구백십만억]|년|명|개|번|원|배|가지)* 천(?=_)* (?<=[일이삼사오육칠팔구\\d])천*",
        10**4: "만(?=[일이삼사오육칠팔구천백십]|년|명|개|원|배)* 만(?=_)* (?<=[일이삼사오육칠팔구십백천\\d])만*", 10**6: "백만*", 10**8: "억* (?<=\\d)억*", 10**12: "조(?=_)* (?<=[일이삼사오육칠팔구십백천\\d])조*",
    }, between=" ", unlike="백인|천만에|백신|만일|만약|백화|백과|백업|천천|천연|천사|천장|천국|천재|만화|만족|백색|첫눈|열심|열쇠|둘러|두통|일하|일반|일본|일정|일부|한국|십자|조금", tenfold=True, never_alone=10**8),
    "nl": NumberWords({
        0: "nul", 0.5: "halve? helft", 1.5: "anderhal[fv]e?", 1: "één een ene eerste eenmaal ééns eenen", 2: "twee(?!t|ling|de)* tweede twee(?=tal|talig)* beide beiden dubbele?", 3: "drie(?!st)* derde derden", 4: "vier vierde viertal vier(?=en(?!\\b|d)|daag|jarig|voud|weke|maand|hoek|kant|stemm|persoon|zijd|dub)*",
        5: "vijf*", 6: "zes*", 7: "zeven*", 8: "acht achtste achttal acht(?=en(?:dert|twint|veer|vijft|zest|zev|tach|neg)|jarig|voud|hoek|honderd|duizend|daag|weke|tien|delig|kant)*", 9: "negen*", 10: "tien(?!er)* decennium decennia", 11: "elf elfde elfhonderd elf(?=honderd|duizend|jarig|tal)*",
        12: "twaalf* dozijn*", 13: "dertien*", 14: "veertien*", 20: "twintig*", 30: "dertig*", 40: "veertig*", 50: "vijftig*", 60: "zestig*", 70: "zeventig*", 80: "tachtig*", 90: "negentig*",
        100: "honderd*", 1000: "duizend*", 10**6: "miljoen* mln", 10**9: "miljard* mld", 10**12: "biljoen*",
    }, inside="(?:en|ën)?"),
    "pl": NumberWords({
        0: "zero zera", 0.5: "w?pół połow*", 1.5: "półtor*", 1: "jeden jedn~ jedni pierwsz~ pierwsi", 2: "dwa dwie dwaj dwóch dwu dwom dwoma dwiema dwoje dwojg* dwójk* dwóm drug~ drudzy drugie oba obie obaj obu obydw* dwu(?!tlen|kropk)*",
        3: "trzy trzech trzem trzema trzej troje trojga trzeci* trzecia trój* trzy(?!ma)* trzech*", 4: "czter* czworo czwart~ czwarci czwórk* ćwierć", 5: "pięć pięci* pięcioro piąt~", 6: "sześć sześci* szóst~", 7: "siedem siedmi* siódm~",
        8: "osiem ośmi* ósm~", 9: "dziewięć dziewięci* dziewiąt~", 10: "dziesięć dziesięci* dziesiąt~ dziesiąt* dekad*", 11: "jedenast* jedenaści*", 12: "dwunast* dwanaści* tuzin*", 13: "trzynast* trzynaści*",
        14: "czternast* czternaści*", 15: "piętnast* piętnaści*", 16: "szesnast* szesnaści*", 17: "siedemnast* siedemnaści*", 18: "osiemnast* osiemnaści*", 19: "dziewiętnast* dziewiętnaści*",
        20: "dwadzieści* dwudziest*", 30: "trzydzieści* trzydziest*", 40: "czterdzieści* czterdziest*", 50: "pięćdziesi*", 60: "sześćdziesi*", 70: "siedemdziesi*", 80: "osiemdziesi*", 90: "dziewięćdziesi*",
        100: "sto stu setn~ setk* setek stulet* stulec*", 200: "dwieście dwustu", 300: "trzysta trzystu", 400: "czterysta czterystu", 500: "pięćset pięciuset", 600: "sześćset sześciuset", 700: "siedemset siedmiuset",
        800: "osiemset ośmiuset", 900: "dziewięćset dziewięciuset", 1000: "tysiąc* tysięc* tys", 10**6: "milion* mln", 10**9: "miliard* mld", 10**12: "bilion* bln",
    }, endings="(?:y|ego|emu|ym|a|ej|ą|e|ych|ymi|i|iego|iemu|im|imi|ich|ie|o)"),
    "ru": NumberWords({
        0: "ноль нуль нуля нулю нулев~", 0.5: "половин* пол", 1.5: "полтор*", 1: "один одна одно одного одной одному одним одном одну одни одних перв~ единственн~", 2: "два две двух двум двумя двое двоих двоим дважды вдвое вдвоём двукратн~ втор~ оба обе обоих обеих обоим обеим двух* двум(?=я|ерн)*",
        3: "три тр[её]х тр[её]м тремя трое троих трижды втрое тр[её]хкратн~ трет~ треть трети тр[её]х*", 4: "четыр[её]* четырьмя четырежды вчетверо четверо четверых четв[её]рт~ четверть четверти", 5: "пять пяти пятью пятеро пят~ пяти*", 6: "шесть шести шестью шестеро шест~ шести*",
        7: "семь семи семеро седьм~ семи(?!нар|т\\b|т[аоы]|ть)*", 8: "восемь восьми восемью восьм~ восьми*", 9: "девять девяти девятью девят~ девяти*", 10: "десять десяти десятью десят~ десяток десятк* десяти* декад*",
        11: "одиннадцат*", 12: "двенадцат* дюжин*", 13: "тринадцат*", 14: "четырнадцат*", 15: "пятнадцат*", 16: "шестнадцат*", 17: "семнадцат*", 18: "восемнадцат*", 19: "девятнадцат*", 20: "двадцат*", 30: "тридцат*",
        40: "сорок сорока сороков~ сорока(?=лет)*", 50: "пятьдесят* пятидесят*", 60: "шестьдесят* шестидесят*", 70: "семьдесят* семидесят*", 80: "восемьдесят* восьмидесят*", 90: "девяност*", 100: "сто ста сот~ сотн* столет*",
        200: "двести двухсот* двумстам", 300: "триста тр[её]хсот* тр[её]мстам", 400: "четыреста четыр[её]хсот*", 500: "пятьсот* пятисот*", 600: "шестьсот* шестисот*", 700: "семьсот* семисот*", 800: "восемьсот* восьмисот*", 900: "девятьсот* девятисот*",
        1000: "тысяч* тыс", 10**6: "миллион* млн", 10**9: "миллиард* млрд", 10**12: "триллион* трлн",
    }, endings="(?:[ыои]й|ь[ея]го|[оье]го|ьего|[оье]му|ьему|[ыи]м|ьим|[оье]м|ьем|ая|ья|ую|ью|ое|ье|[ыи]е|ьи|[ыи]х|ьих|[ыи]ми|ьими|ей|ьей)", inside="[иьёе]?"),
    "th": NumberWords({
        0: "ศูนย์(?!กลาง|การ|รวม)", 0.5: "ครึ่ง", 1: "หนึ่ง แรก เอ็ด", 2: "สอง คู่ ยี่(?=สิบ)", 3: "สาม(?!ารถ|ี(?!่)|ัญ|ัคคี)", 4: "สี่", 5: "ห้า(?!ม(?![ืิีึุู])|ง(?!าน))", 6: "หก(?!ล้ม|คะเมน)", 7: "เจ็ด", 8: "แปด(?!เปื้อน)",
        9: "เก้า(?!อี้)", 10: "สิบ ทศวรรษ", 12: "โหล", 100: "(?<!เรียบ)ร้อย(?!แก้ว|กรอง)", 1000: "(?<!สัม)(?<!ผูก)พัน(?!ธ)", 10**4: "หมื่น", 10**5: "แสน(?!ดี)", 10**6: "ล้าน", 10**12: "ล้านล้าน",
    }, between=" ", unlike="ศูนย์(?:กลาง|การ|รวม)|หัวล้าน", spaced=False, tenfold=True),
    "yo": NumberWords(_yoruba(), scale_first=True, fold=_folded_yoruba),
    "zh": NumberWords({
        0: "零 〇", 0.5: "半", 1: "一 壹 首(?=[个個次位家])", 2: "二 两 兩 双 雙 俩 倆 一对 一對", 3: "三 叁", 4: "四 肆", 5: "五 伍(?=[拾佰])", 6: "六", 7: "七", 8: "八", 9: "九", 10: "十 拾(?=[元圆])", 12: "打(?=[鸡雞]?蛋)",
        100: "百 佰", 1000: "千 仟", 10**4: "万 萬", 10**8: "亿 億", 10**12: "兆 万亿",
    }, between=" ", unlike=_HAN_UNLIKE, positional=True, spaced=False, tenfold=True, never_alone=10**4),
}  # fmt: skip
NUMBER_WORDS |= dict.fromkeys(("zh-Hant", "yue"), NUMBER_WORDS["zh"])  # it holds the signs of both scripts
