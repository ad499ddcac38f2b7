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
        ("is_even", "even", "check_even", "even_number", "has_even_value"), NUMBER,
        """
            True if {x} is even and False otherwise
            whether {x} is even
            True when {x} is an even number, else False
            whether {x} is divisible by 2
            True if and only if {x} is even
        """, """
            whether {x} can be split into two equal whole parts
            True for even {x}, False for odd {x}
        """),
    Task("square", "def {f}({x}):\n    return {x} ** 2", lambda x: x * x, lambda d: (d.int(-30, 99),),
        ("square", "squared", "to_square", "get_square", "second_power"), NUMBER,
        """
            the square of {x}
            {x} squared
            {x} times {x}
            {x} to the power of two
        """, """
            what {x} multiplied by itself gives
            the second power of {x}
        """),
    Task("add", "def {f}({x}, {y}):\n    return {x} + {y}", lambda x, y: y + x,
        lambda d: (d.int(-99, 999), d.int(1, 999)), ("add", "plus", "add_two", "sum_two", "total_of_two"), TWO,
        """
            the sum of {x} and {y}
            {x} plus {y}
            {x} and {y} added up
            {x} and {y} added together
            the sum of its two arguments
        """, """
            the total of {x} and {y}
            what {x} and {y} make together
        """),
    Task("larger", "def {f}({x}, {y}):\n    return max({x}, {y})", lambda x, y: x if x > y else y,
        lambda d: (d.int(-50, 99), d.int(-50, 99)), ("larger", "max_of_two", "bigger", "maximum", "greater"), TWO,
        """
            the larger of {x} and {y}
            the maximum of {x} and {y}
            the bigger of the two numbers {x} and {y}
            whichever of {x} and {y} is greater
        """, """
            the one of {x} and {y} that is not below the other
            the top value of {x} and {y}
        """),
    Task("reverse", "def {f}({x}):\n    return {x}[::-1]", lambda x: "".join(reversed(x)), lambda d: (d.word(),),
        ("reverse", "backwards", "flip", "reverse_text", "mirror"), TEXT,
        """
            the string {x} reversed
            {x} backwards
            the reverse of {x}
            {x} with its characters in reverse order
            {x} spelled backwards
        """, """
            {x} read from the end to the start
            the letters of {x} from last to first, as a string
        """),
    Task("count_vowels", "def {f}({x}):\n    return sum(c in 'aeiou' for c in {x}.lower())",
        lambda x: len([c for c in x if c in "aeiouAEIOU"]), lambda d: (d.text(),),
        ("count_vowels", "vowels", "vowel_count", "num_vowels", "how_many_vowels"), TEXT,
        """
            the number of vowels in {x}
            how many vowels {x} contains
            the count of vowels (a, e, i, o, u) in {x}
            how many letters of {x} are vowels
        """, """
            how often a, e, i, o and u occur in {x} altogether
            the vowel count of {x}
        """),
    Task("is_palindrome", "def {f}({x}):\n    return {x} == {x}[::-1]",
        lambda x: all(x[i] == x[-1 - i] for i in range(len(x))),
        lambda d: (lambda s: (s + s[::-1] if d.chance(0.5) else s,))(d.letters(3, 6)),
        ("is_palindrome", "palindrome", "check_palindrome", "same_backwards", "reads_both_ways"), TEXT,
        """
            True if {x} is a palindrome and False otherwise
            whether {x} is a palindrome
            whether {x} reads the same backwards
            True when {x} equals its own reverse
        """, """
            whether {x} is the same from both ends
            True where reversing {x} changes nothing
        """),
    Task("sum_list", "def {f}({x}):\n    return sum({x})", lambda x: sum(sorted(x)),
        lambda d: (d.ints(2, 8, -20, 99),), ("sum_list", "total", "add_all", "list_sum", "sum_up"), LIST,
        """
            the sum of the list {x}
            the sum of all numbers in {x}
            the total of the values in {x}
            all elements of {x} added up
        """, """
            what the entries of {x} come to
            the grand total over {x}
        """),
    Task("evens", "def {f}({x}):\n    return [v for v in {x} if v % 2 == 0]",
        lambda x: list(filter(lambda v: not v & 1, x)), lambda d: (d.ints(3, 9),),
        ("evens", "only_even", "filter_even", "get_evens", "keep_even"), LIST,
        """
            the even numbers in {x} as a list
            a list of the even values of {x}
            only the even elements of the list {x}
            {x} without its odd numbers, as a list
        """, """
            those members of {x} that are multiples of 2, in a list
            the list {x} with everything odd thrown out
        """),
    Task("unique", "def {f}({x}):\n    return list(dict.fromkeys({x}))",
        lambda x: [v for i, v in enumerate(x) if v not in x[:i]], lambda d: (d.repeated(4, 9),),
        ("unique", "dedupe", "no_duplicates", "remove_duplicates", "distinct"), LIST,
        """
            the list {x} without duplicates, in the original order
            the distinct values of {x} in order of first appearance
            {x} with duplicates removed, keeping the order
            a list with the first occurrence of each value in {x}
        """, """
            {x} in its order, but each value once only
            the list {x} after crossing out repeats
        """),
    Task("factorial", "def {f}({x}):\n    r = 1\n    for i in range(2, {x} + 1):\n        r *= i\n    return r",
        lambda x: 1 if x < 2 else __import__("math").factorial(x), lambda d: (d.small(0, 12),),
        ("factorial", "fact", "compute_factorial", "factorial_number", "n_factorial"), NUMBER,
        """
            the factorial of {x}
            {x} factorial
            the product of the numbers from 1 to {x}
            {x}! (the factorial)
        """, """
            1 * 2 * ... * {x}, and 1 for zero
            what multiplying all whole numbers up to {x} gives (1 for 0)
        """),
    Task("is_prime", "def {f}({x}):\n    return {x} > 1 and all({x} % i for i in range(2, int({x} ** 0.5) + 1))",
        lambda x: x > 1 and not any(x % i == 0 for i in range(2, x)), lambda d: (d.small(0, 200),),
        ("is_prime", "prime", "check_prime", "prime_number", "test_prime"), NUMBER,
        """
            True if {x} is prime and False otherwise
            whether {x} is a prime number
            whether {x} is prime
            True when {x} is a prime, else False
        """, """
            whether {x} has exactly two divisors
            True for prime {x}, False for all others
        """),
    Task("longest", "def {f}({x}):\n    return max({x}, key=len)",
        lambda x: next(w for w in x if len(w) == max(map(len, x))), lambda d: (d.words(2, 6),),
        ("longest", "longest_word", "find_longest", "max_word", "get_longest"), WORDS,
        """
            the longest string in {x} (the first one if several are equally long)
            the longest word of the list {x}, the first in case of a tie
            the first of the longest strings in {x}
            the word with the most letters in {x} (first one on ties)
        """, """
            the member of {x} that has the greatest length, the earliest where several have
            whichever word in {x} is longest, and the first such word if there are more
        """),
    Task("count_words", "def {f}({x}):\n    return len({x}.split())", lambda x: len([w for w in x.split(" ") if w]),
        lambda d: (d.sentence(),), ("count_words", "word_count", "num_words", "words_in", "how_many_words"), TEXT,
        """
            the number of words in {x}
            how many words {x} has
            the word count of {x}
            the number of words, separated by spaces, in {x}
        """, """
            of how many words {x} is made up
            the amount of words that {x} consists of
        """),
    Task("digit_sum", "def {f}({x}):\n    return sum(int(c) for c in str({x}))",
        lambda x: sum(x // 10**i % 10 for i in range(12)), lambda d: (d.int(1, 99999),),
        ("digit_sum", "sum_digits", "digits_total", "add_digits", "cross_sum"), NUMBER,
        """
            the sum of the digits of {x}
            the digit sum of {x}
            the digits of {x} added up
            what the decimal digits of {x} add up to
        """, """
            the total of all the figures in {x}
            the cross sum of {x}
        """),
    Task("clamp_positive", "def {f}({x}):\n    return max({x}, 0)", lambda x: x if x > 0 else 0,
        lambda d: (d.int(-99, 99),), ("relu", "positive_part", "not_negative", "clamp_zero", "at_least_zero"), NUMBER,
        """
            {x} if it is positive and 0 otherwise
            the larger of {x} and zero
            0 for negative {x}, and {x} itself otherwise
            {x}, but 0 when {x} is negative
        """, """
            {x} with negative values cut off at zero
            {x} unless it is below zero, where it is 0
        """),
    Task("celsius", "def {f}({x}):\n    return {x} * 9 / 5 + 32", lambda x: x * 9 / 5 + 32,
        lambda d: (d.int(-40, 60) * 5,),
        ("to_fahrenheit", "c_to_f", "fahrenheit", "convert_temperature", "celsius_to_fahrenheit"), NUMBER,
        """
            {x} degrees Celsius in Fahrenheit
            the temperature {x} (in Celsius) converted to Fahrenheit
            {x} converted from Celsius to Fahrenheit
        """, """
            what {x} degrees Celsius are on the Fahrenheit scale
            the Fahrenheit value of the Celsius temperature {x}
        """),
    Task("initials", "def {f}({x}):\n    return ''.join(w[0].upper() for w in {x}.split())",
        lambda x: "".join(w[:1] for w in x.title().split()), lambda d: (" ".join(d.words(2, 4)),),
        ("initials", "get_initials", "acronym", "first_letters", "make_acronym"), TEXT,
        """
            the first letters of the words in {x}, in upper case, as one string
            the initials of the words in {x} in capitals
            the acronym of {x}: each word's first letter in upper case
        """, """
            an upper-case abbreviation of {x}, one letter a word
            the capital letters that begin the words of {x}, put together
        """),
)
# fmt: on
