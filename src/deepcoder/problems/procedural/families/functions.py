"""Functions to be written: what they return, and the code."""

from __future__ import annotations

from deepcoder.problems.procedural.functions import Task

NAME = "functions"
NUMBER = (("n",), ("x",), ("value",), ("number",), ("num",))
TEXT = (("s",), ("text",), ("word",), ("string",))
LIST = (("xs",), ("numbers",), ("values",), ("items",), ("nums",))
WORDS = (("words",), ("names",), ("strings",))
TWO = (("a", "b"), ("x", "y"), ("m", "n"), ("p", "q"))

# fmt: off
TASKS = (
    Task("is_even", "def {f}({x}):\n    return {x} % 2 == 0", lambda x: not x & 1, lambda d: (d.int(-99, 999),),
        ("is_even", "even", "check_even", "even_number", "has_even_value"), NUMBER),
    Task("square", "def {f}({x}):\n    return {x} ** 2", lambda x: x * x, lambda d: (d.int(-30, 99),),
        ("square", "squared", "to_square", "get_square", "second_power"), NUMBER),
    Task("add", "def {f}({x}, {y}):\n    return {x} + {y}", lambda x, y: y + x,
        lambda d: (d.int(-99, 999), d.int(1, 999)), ("add", "plus", "add_two", "sum_two", "total_of_two"), TWO),
    Task("larger", "def {f}({x}, {y}):\n    return max({x}, {y})", lambda x, y: x if x > y else y,
        lambda d: (d.int(-50, 99), d.int(-50, 99)), ("larger", "max_of_two", "bigger", "maximum", "greater"), TWO),
    Task("reverse", "def {f}({x}):\n    return {x}[::-1]", lambda x: "".join(reversed(x)), lambda d: (d.word(),),
        ("reverse", "backwards", "flip", "reverse_text", "mirror"), TEXT),
    Task("count_vowels", "def {f}({x}):\n    return sum(c in 'aeiou' for c in {x}.lower())",
        lambda x: len([c for c in x if c in "aeiouAEIOU"]), lambda d: (d.text(),),
        ("count_vowels", "vowels", "vowel_count", "num_vowels", "how_many_vowels"), TEXT),
    Task("is_palindrome", "def {f}({x}):\n    return {x} == {x}[::-1]",
        lambda x: all(x[i] == x[-1 - i] for i in range(len(x))),
        lambda d: (lambda s: (s + s[::-1] if d.chance(0.5) else s,))(d.letters(3, 6)),
        ("is_palindrome", "palindrome", "check_palindrome", "same_backwards", "reads_both_ways"), TEXT),
    Task("sum_list", "def {f}({x}):\n    return sum({x})", lambda x: sum(sorted(x)),
        lambda d: (d.ints(2, 8, -20, 99),), ("sum_list", "total", "add_all", "list_sum", "sum_up"), LIST),
    Task("evens", "def {f}({x}):\n    return [v for v in {x} if v % 2 == 0]",
        lambda x: list(filter(lambda v: not v & 1, x)), lambda d: (d.ints(3, 9),),
        ("evens", "only_even", "filter_even", "get_evens", "keep_even"), LIST),
    Task("unique", "def {f}({x}):\n    return list(dict.fromkeys({x}))",
        lambda x: [v for i, v in enumerate(x) if v not in x[:i]], lambda d: (d.repeated(4, 9),),
        ("unique", "dedupe", "no_duplicates", "remove_duplicates", "distinct"), LIST),
    Task("factorial", "def {f}({x}):\n    r = 1\n    for i in range(2, {x} + 1):\n        r *= i\n    return r",
        lambda x: 1 if x < 2 else __import__("math").factorial(x), lambda d: (d.small(0, 12),),
        ("factorial", "fact", "compute_factorial", "factorial_number", "n_factorial"), NUMBER),
    Task("is_prime", "def {f}({x}):\n    return {x} > 1 and all({x} % i for i in range(2, int({x} ** 0.5) + 1))",
        lambda x: x > 1 and not any(x % i == 0 for i in range(2, x)), lambda d: (d.small(0, 200),),
        ("is_prime", "prime", "check_prime", "prime_number", "test_prime"), NUMBER),
    Task("longest", "def {f}({x}):\n    return max({x}, key=len)",
        lambda x: next(w for w in x if len(w) == max(map(len, x))), lambda d: (d.words(2, 6),),
        ("longest", "longest_word", "find_longest", "max_word", "get_longest"), WORDS),
    Task("count_words", "def {f}({x}):\n    return len({x}.split())", lambda x: len([w for w in x.split(" ") if w]),
        lambda d: (d.sentence(),), ("count_words", "word_count", "num_words", "words_in", "how_many_words"), TEXT),
    Task("digit_sum", "def {f}({x}):\n    return sum(int(c) for c in str({x}))",
        lambda x: sum(x // 10**i % 10 for i in range(12)), lambda d: (d.int(1, 99999),),
        ("digit_sum", "sum_digits", "digits_total", "add_digits", "cross_sum"), NUMBER),
    Task("clamp_positive", "def {f}({x}):\n    return max({x}, 0)", lambda x: x if x > 0 else 0,
        lambda d: (d.int(-99, 99),), ("relu", "positive_part", "not_negative", "clamp_zero", "at_least_zero"), NUMBER),
    Task("celsius", "def {f}({x}):\n    return {x} * 9 / 5 + 32", lambda x: x * 9 / 5 + 32,
        lambda d: (d.int(-40, 60) * 5,),
        ("to_fahrenheit", "c_to_f", "fahrenheit", "convert_temperature", "celsius_to_fahrenheit"), NUMBER),
    Task("initials", "def {f}({x}):\n    return ''.join(w[0].upper() for w in {x}.split())",
        lambda x: "".join(w[:1] for w in x.title().split()), lambda d: (" ".join(d.words(2, 4)),),
        ("initials", "get_initials", "acronym", "first_letters", "make_acronym"), TEXT),
)
