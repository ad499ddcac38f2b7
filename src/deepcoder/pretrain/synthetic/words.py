"""Words to write exercises about: common ones, long rare ones, names, made-up ones."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

COMMON = ["apple", "river", "stone", "garden", "window", "yellow", "market", "bottle", "summer", "winter", "planet", "silver", "copper", "orange", "forest", "castle", "bridge", "dragon", "pencil", "guitar", "camera", "ticket", "button", "carpet", "candle", "basket", "hammer", "ladder", "lemon", "melon", "tiger", "eagle", "rabbit", "turtle", "spider", "monkey", "kitten", "puppy", "horse", "sheep", "whale", "shark", "salmon", "pepper", "onion", "potato", "carrot", "tomato", "cherry", "banana", "grape", "peach", "bread", "butter", "cheese", "honey", "sugar", "coffee", "pasta", "soup", "salad", "kitchen", "table", "chair", "mirror", "pillow", "blanket", "curtain", "drawer", "sock", "shirt", "jacket", "trousers", "shoe", "glove", "scarf", "hat", "belt", "ring", "watch", "clock", "lamp", "phone", "letter", "stamp", "paper", "book", "library", "school", "teacher", "student", "lesson", "number", "figure", "circle", "square", "triangle", "corner", "center", "border", "island", "ocean", "desert", "valley", "mountain", "volcano", "glacier", "canyon", "meadow", "harbor", "village", "city", "street", "tunnel", "railway", "station", "airport", "engine", "wheel", "pedal", "rocket", "comet", "galaxy", "shadow", "light", "thunder", "storm", "rain", "snow", "cloud", "wind", "breeze", "fire", "smoke", "ash", "dust", "sand", "clay", "brick", "glass", "metal", "iron", "steel", "gold", "diamond", "pearl", "ruby", "emerald", "music", "song", "dance", "drum", "flute", "violin", "piano", "trumpet", "story", "poem", "novel", "author", "painter", "doctor", "nurse", "farmer", "baker", "sailor", "pilot", "soldier", "captain", "king", "queen", "prince", "knight", "wizard", "giant", "dwarf", "quick", "slow", "bright", "dark", "heavy", "light", "happy", "sad", "brave", "calm", "clever", "gentle", "honest", "proud", "silent", "simple", "strong", "weak", "young", "old", "new", "warm", "cold", "sweet", "bitter", "sharp", "round", "flat", "long", "short", "wide", "narrow", "deep", "empty", "full", "early", "late", "green", "blue", "purple", "walk", "run", "jump", "climb", "swim", "fly", "drive", "sing", "read", "write", "draw", "paint", "build", "break", "open", "close", "start", "stop", "push", "pull", "carry", "throw"]

LONG = ["archaeologist", "bioluminescence", "chrysanthemum", "circumnavigate", "counterintuitive", "crystallography", "daguerreotype", "electroencephalogram", "entrepreneurship", "extraterrestrial", "floccinaucinihilipilification", "gastroenterology", "hippopotamus", "hydroelectricity", "incomprehensible", "indistinguishable", "interdisciplinary", "juxtaposition", "kaleidoscope", "lexicographer", "magnanimous", "metamorphosis", "microarchitecture", "misunderstanding", "nevertheless", "onomatopoeia", "otorhinolaryngology", "paleontologist", "parallelogram", "perpendicular", "phosphorescence", "photosynthesis", "pneumonia", "quadrilateral", "rambunctious", "refrigerator", "rhododendron", "sesquipedalian", "stratosphere", "subterranean", "sycophant", "thermodynamics", "transcontinental", "ubiquitous", "unbelievable", "ventriloquist", "vulnerability", "whimsical", "xylophone", "yesteryear", "zoological", "ephemeral", "quintessential", "serendipity", "labyrinthine", "idiosyncratic", "mellifluous", "ostentatious"]

NAMES = ["Ada", "Amir", "Anika", "Bilal", "Bruno", "Carla", "Chen", "Dalia", "Dmitri", "Elena", "Emeka", "Farah", "Felix", "Greta", "Hana", "Hugo", "Ines", "Ivan", "Jamal", "Jonas", "Keiko", "Kofi", "Lars", "Leila", "Luca", "Maren", "Mateo", "Mira", "Nadia", "Nils", "Noor", "Olga", "Omar", "Petra", "Priya", "Quentin", "Rafael", "Rosa", "Sami", "Sofia", "Tariq", "Tess", "Uma", "Victor", "Wanda", "Xavier", "Yara", "Yusuf", "Zane", "Zoe"]

_ONSETS = ["b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "bl", "br", "ch", "cl", "cr", "dr", "fl", "fr", "gl", "gr", "pl", "pr", "sc", "sh", "sk", "sl", "sm", "sn", "sp", "st", "th", "tr", "tw", "qu"]
_NUCLEI = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "u", "ai", "ea", "ee", "ia", "io", "oa", "oo", "ou", "ue", "y"]
_CODAS = ["", "", "", *["b", "d", "g", "k", "l", "m", "n", "p", "r", "s", "t", "x", "ck", "ct", "ld", "ll", "lt", "mp", "nd", "ng", "nk", "nt", "rd", "rk", "rm", "rn", "rt", "ss", "st", "th"]]


def made_up(rng: Random, syllables: int | None = None) -> str:
    """A pronounceable word that is in no dictionary."""
    count = syllables or rng.choice((1, 2, 2, 3, 3, 4, 5))
    return "".join(rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS) for _ in range(count))


def scrambled(rng: Random) -> str:
    """Random letters: no model can guess them, they must be copied."""
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 12)))


class Words:
    """Draws words; `harvest` adds words found in documentation to the built-in ones."""

    def __init__(self, harvest: Sequence[str] = ()) -> None:
        self.plain = [word for word in harvest if 3 <= len(word) <= 9] + COMMON
        self.long = [word for word in harvest if len(word) >= 10] + LONG

    def word(self, rng: Random) -> str:
        """One lower-case word of letters."""
        kind = rng.random()
        if kind < 0.30:
            return rng.choice(COMMON)
        if kind < 0.55:
            return rng.choice(self.plain)
        if kind < 0.75:
            return rng.choice(self.long)
        if kind < 0.93:
            return made_up(rng)
        return scrambled(rng)

    def cased(self, rng: Random) -> str:
        """A word with capitals in it."""
        word = self.word(rng)
        style = rng.random()
        if style < 0.3:
            return word.upper()
        if style < 0.6:
            return word.capitalize()
        return "".join(letter.upper() if rng.random() < 0.4 else letter for letter in word)

    def mixed(self, rng: Random) -> str:
        """Letters and digits, such as a code or a label."""
        parts = [
            self.word(rng)[: rng.randint(1, 6)] if rng.random() < 0.55 else str(rng.randint(0, 9999))
            for _ in range(rng.randint(2, 5))
        ]
        return rng.choice(("", "", "-", "_")).join((*parts, str(rng.randint(0, 99))))

    def runs(self, rng: Random) -> str:
        """A string with runs of equal letters."""
        letters = [rng.choice("abcdefgxyz") for _ in range(rng.randint(3, 7))]
        return "".join(letter * rng.choice((1, 1, 2, 3, 4)) for letter in letters)

    def several(self, rng: Random, low: int = 3, high: int = 7) -> list[str]:
        """Some distinct words."""
        return list(dict.fromkeys(self.word(rng) for _ in range(rng.randint(low, high))))

    def sentence(self, rng: Random) -> str:
        """Words in a row, with some small ones between, as a sentence without punctuation."""
        words = self.several(rng, 3, 8)
        small = ("the", "a", "of", "and", "in", "to", "with", "for", "on", "is")
        return " ".join(f"{rng.choice(small)} {word}" if rng.random() < 0.35 else word for word in words)
