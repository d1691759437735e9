"""Misspells messages as people do on a phone, so that the assistant can be measured on them.

The kinds of slip here are on purpose more than the assistant makes for itself in training
(bot/components/noise.py knows only the four finger slips): sound-alike spelling, text shorthand, dropped
vowels and joined words are new to it.
"""

from __future__ import annotations

import random
import re

NEIGHBOURS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl",
    "p": "ol", "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv", "g": "fthb", "h": "gyjn", "j": "hukm",
    "k": "jil", "l": "kop", "z": "asx", "x": "zsdc", "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm",
    "m": "njk",
}  # fmt: skip

# What a word sounds like, tried in a random order; the first that changes the word is used.
SOUNDS_LIKE = [
    ("ph", "f"), ("ough", "uff"), ("ight", "ite"), ("tion", "shun"), ("sion", "shun"), ("ie", "ei"), ("ei",
    "ie"),
    ("ance", "ence"), ("ence", "ance"), ("able", "ible"), ("ible", "able"), ("ment", "mant"), ("er", "a"),
    ("wh", "w"), ("kn", "n"), ("wr", "r"), ("ck", "k"), ("qu", "kw"), ("ea", "ee"), ("ee", "ea"), ("ai",
    "ay"),
    ("ou", "ow"), ("au", "or"), ("ce", "se"), ("ci", "si"), ("ss", "s"), ("ll", "l"), ("tt", "t"), ("pp",
    "p"),
    ("mm", "m"), ("nn", "n"), ("cc", "c"), ("dd", "d"), ("ff", "f"), ("rr", "r"), ("y", "ie"), ("i", "e"),
    ("e", "i"), ("a", "e"), ("o", "u"), ("u", "o"), ("s", "z"), ("c", "k"), ("th", "f"), ("ing", "in"),
]  # fmt: skip

SHORTHAND = {
    "you": "u", "your": "ur", "are": "r", "for": "4", "to": "2", "too": "2", "please": "plz", "people": "ppl",
    "because": "cuz", "what": "wot", "with": "wiv", "and": "n", "be": "b", "see": "c", "why": "y", "about":
    "abt",
    "tomorrow": "2moro", "today": "2day", "tonight": "2nite", "before": "b4", "great": "gr8", "someone":
    "sum1",
    "anyone": "ne1", "something": "sumfink", "nothing": "nuffin", "the": "da", "that": "dat", "this": "dis",
    "have": "av", "get": "git", "going": "goin", "cannot": "cant", "doctor": "dr", "hospital": "hosp",
    "appointment": "appt", "council": "cncl", "social": "soc", "worker": "wkr", "much": "mch", "know": "no",
    "though": "tho", "through": "thru", "want": "wanna", "from": "frm", "help": "hlp", "mother": "mutha",
    "husband": "hubby", "really": "rly", "weekend": "wkend", "message": "msg", "number": "no",
}  # fmt: skip

WORD = re.compile(r"[A-Za-z][A-Za-z']*")


def _slip(word: str, rng: random.Random) -> str:
    """Return the word with one slip of the finger: a near key, a missing, a doubled or a swapped letter."""
    place = rng.randrange(len(word))
    kind = rng.choices(("near", "missing", "swapped", "doubled"), (30, 30, 25, 15))[0]
    letter = word[place].lower()
    if kind == "near" and letter in NEIGHBOURS:
        return word[:place] + rng.choice(NEIGHBOURS[letter]) + word[place + 1 :]
    if kind == "missing" or place == len(word) - 1:
        return word[:place] + word[place + 1 :]
    if kind == "swapped":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + word[place] + word[place:]


def _by_ear(word: str, rng: random.Random) -> str:
    """Return the word spelt as it sounds, or the same word if no rule fits."""
    for written, heard in rng.sample(SOUNDS_LIKE, len(SOUNDS_LIKE)):
        place = word.find(written, 0 if len(written) > 1 else 1)
        if place >= 0:
            return word[:place] + heard + word[place + len(written) :]
    return word


def _without_vowels(word: str) -> str:
    """Return the word with the vowels inside it dropped: "appointment" becomes "appntmnt"."""
    return word[0] + re.sub("[aeiou]", "", word[1:-1]) + word[-1] if len(word) > 4 else word


def misspelt_word(word: str, rng: random.Random) -> str:
    """Return a lower-case word misspelt in one way (long words sometimes in two). It always differs."""
    if word in SHORTHAND and rng.random() < 0.5:
        return SHORTHAND[word]
    for _attempt in range(8):
        kind = rng.choices(("slip", "ear", "vowels"), (65, 28, 7))[0]
        result = {"slip": _slip, "ear": _by_ear}.get(kind, lambda w, _rng: _without_vowels(w))(word, rng)
        if len(word) > 7 and result and rng.random() < 0.15:
            result = _slip(result, rng)
        if result and result != word:
            return result
    return word + word[-1]


def misspelt(text: str, share: float, seed: int) -> str:
    """Return the text with about this share (0 to 1) of all its words misspelt; the same seed, the same text.

    Words of one or two letters are left alone unless they have a shorthand, so the others carry their part.
    """
    if share <= 0:
        return text
    rng = random.Random(f"{seed}:{share}:{text}")
    words = list(WORD.finditer(text))
    able = [w for w in words if len(w.group()) > 2 or w.group().lower() in SHORTHAND]
    wanted = share * len(words)
    count = min(len(able), int(wanted) + (rng.random() < wanted - int(wanted)))
    pieces, end = [], 0
    for word in sorted(rng.sample(able, count), key=lambda w: w.start()):
        pieces += [text[end : word.start()], misspelt_word(word.group().lower(), rng)]
        end = word.end()
        if text[end : end + 1] == " " and rng.random() < 0.03:
            end += 1
    return "".join([*pieces, text[end:]])
