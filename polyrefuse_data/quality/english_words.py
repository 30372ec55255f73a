"""English words that show that a text is English, and English words that other languages have borrowed."""

from __future__ import annotations

from functools import lru_cache

_EVERYDAY = """
    the a an of to in on for and or but is are was were be been being that this these those it its with as by from
    at into about between among across within how what which who whom whose where when why can could would should
    will may might must do does did done has have had having you your i my me we our us they them their his her she
    he not no if than then there here some any each all every most more many much few other another such both either
    same own only just also too very so while after before during without against through under over out off up down
    because since until create make write describe explain give provide tell list find name generate suggest use
    using get need want help take identify compare summarize analyze define convert compose collect classify edit
    rewrite rearrange construct design develop calculate choose complete determine discuss draft evaluate outline
    predict propose answer assemble categorize come compute count demonstrate detect estimate imagine improve invent
    formulate devise arrange add adapt build change divide insert modify organize prove read remove replace show
    solve sort state translate turn try think teach learn start ask buy call keep know let look play put run say see
    sell send set spend stop talk teach understand work following sentence word words question article story people
    person someone something anything thing things way ways example examples instructions detailed step steps based
    given current different good best better big small long short first second last next one two three four five six
    seven eight nine ten day week month year time money home house school children child student students customer
    friend world water food night morning today
"""

# English words that are words of these languages as well, or that they have borrowed.
_HOMOGRAPHS: dict[str, str] = {
    "de": "word words story in an was so am will may name all use die list man person arrange long start state team "
    "second best detect taste bald set night run show water sort play home talk food world people school "
    "money not",
    "nl": "in is was of over had me we people one want best water week been lang school start set state sort team "
    "name her hem us has show beter even last open use home night world food",
    "es": "no me he a son use has compare describe complete compute predict detect divide determine invent imagine "
    "adapt classify define evaluate propose come ten ha set home night show",
    "fr": "on an me a as or use des his list plus compare complete divide instructions instruction question "
    "questions article imagine invent note place second six person lit four sort come but show week set home "
    "us",
    "it": "a in no me i use come so second person ha state dice list show set home stop sell start",
    "pl": "a to on i do we no my by his all set show list start and stop home",
    "yo": "a i me we no so to ni on if le and it is ile o je ti fun list state wa name",
}

# Terms that most languages take over as they are: they show nothing.
_LOANS = """
    machine learning deep big data science cloud computing blockchain bitcoin marketing social media startup software
    hardware smartphone website web online offline email internet podcast blog chatbot feedback brainstorming design
    workshop hashtag influencer stress burnout fast food hamburger jazz rock hip hop rap fitness yoga football
    basketball tennis golf film thriller computer laptop tablet server browser app cookie spam phishing ransomware
    malware keylogger hacking hacker sql injection open source user experience crowdfunding outsourcing storytelling
    copywriting newsletter freelancer manager team leasing trading bullying mobbing stalking deepfake darknet dark
    framework array string loop float boolean weekend python java javascript html css php api gps pdf usb dna tweet
    output input shopping networking script account chat post selfie cryptocurrency streaming gaming trend sport
"""
LOANS = frozenset(_LOANS.split())


@lru_cache(maxsize=256)
def everyday_english(language: str) -> frozenset[str]:
    """Words that English names and terms hardly ever hold, nor a text in `language` (BCP-47) by itself."""
    return frozenset(_EVERYDAY.split()) - frozenset(_HOMOGRAPHS.get(language, "").split())
