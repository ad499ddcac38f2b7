"""What is asked about the documentation: symbols, descriptions, wordings. The answers are not here."""

from __future__ import annotations

from deepcoder.problems.procedural.documentation import (
    Question,
    default_of,
    default_times,
    described,
    exception_of,
    module_of,
    parameter_name,
)

# Names that only one module of the standard library has (or one that the index puts first).
UNIQUE = """
math.gcd math.lcm math.isqrt math.comb math.perm math.prod math.hypot math.factorial math.copysign math.fsum
heapq.heappush heapq.heappop heapq.heapify heapq.nlargest heapq.nsmallest heapq.heapreplace heapq.heappushpop
bisect.bisect_left bisect.bisect_right bisect.insort bisect.insort_left collections.namedtuple collections.deque
collections.OrderedDict collections.defaultdict collections.ChainMap collections.Counter itertools.chain
itertools.combinations itertools.permutations itertools.accumulate itertools.groupby itertools.islice
itertools.zip_longest itertools.takewhile itertools.dropwhile itertools.starmap itertools.tee itertools.cycle
functools.lru_cache functools.wraps functools.singledispatch functools.cmp_to_key functools.total_ordering
functools.reduce textwrap.dedent textwrap.shorten textwrap.wrap textwrap.fill textwrap.indent statistics.mean
statistics.median statistics.mode statistics.stdev statistics.pstdev statistics.variance statistics.harmonic_mean
statistics.geometric_mean statistics.multimode statistics.quantiles random.randint random.shuffle random.uniform
random.sample ast.literal_eval decimal.Decimal fractions.Fraction base64.b64encode base64.b64decode hashlib.md5
hashlib.sha256 secrets.token_hex html.unescape urllib.parse.unquote urllib.parse.urlparse urllib.parse.urlencode
difflib.get_close_matches difflib.ndiff difflib.SequenceMatcher difflib.unified_diff copy.deepcopy calendar.monthrange
calendar.isleap operator.itemgetter operator.attrgetter operator.methodcaller dataclasses.dataclass dataclasses.asdict
time.perf_counter time.monotonic tempfile.TemporaryDirectory tempfile.mkdtemp shutil.rmtree shutil.copytree
contextlib.contextmanager contextlib.suppress contextlib.closing contextlib.redirect_stdout contextlib.ExitStack
struct.calcsize binascii.hexlify re.fullmatch re.findall string.capwords ipaddress.ip_address ipaddress.ip_network
uuid.uuid4 socket.gethostname functools.cache inspect.signature inspect.getsource warnings.warn os.getcwd os.listdir
os.makedirs os.path.basename os.path.dirname os.path.splitext json.dumps json.loads
"""
# symbol:parameter with a default that is a number, a truth value or None.
DEFAULTS = """
textwrap.wrap:width textwrap.fill:width difflib.get_close_matches:n difflib.get_close_matches:cutoff
math.isclose:rel_tol math.isclose:abs_tol math.prod:start heapq.merge:reverse heapq.nlargest:key bisect.bisect_left:lo
bisect.bisect_right:hi functools.lru_cache:maxsize functools.lru_cache:typed itertools.accumulate:initial
itertools.tee:n itertools.permutations:r statistics.quantiles:n base64.b64encode:altchars base64.b64decode:validate
zlib.crc32:value os.makedirs:mode os.makedirs:exist_ok shutil.rmtree:ignore_errors random.sample:counts
random.choices:k int.to_bytes:length int.to_bytes:signed difflib.unified_diff:n gzip.compress:compresslevel
pprint.pprint:width pprint.pprint:indent html.escape:quote shlex.split:posix shlex.split:comments re.sub:count
re.split:maxsplit re.findall:flags json.dumps:ensure_ascii json.dumps:skipkeys json.dumps:indent list.pop:index
list.index:start queue.Queue:maxsize copy.deepcopy:memo tempfile.mkdtemp:suffix ast.dump:indent
statistics.linear_regression:proportional statistics.pstdev:mu fractions.Fraction:numerator secrets.token_hex:nbytes
inspect.signature:follow_wrapped dataclasses.dataclass:frozen dataclasses.dataclass:order dataclasses.dataclass:eq
asyncio.gather:return_exceptions open:buffering open:closefd sum:start pow:mod sorted:reverse sorted:key round:ndigits
enumerate:start str.split:maxsplit str.splitlines:keepends str.expandtabs:tabsize str.rsplit:sep str.strip:chars
threading.Thread:daemon bz2.compress:compresslevel ipaddress.ip_network:strict urllib.parse.urlencode:doseq
math.perm:k statistics.stdev:xbar list.sort:reverse print:flush
"""
NUMBERS = """
textwrap.wrap:width textwrap.fill:width difflib.get_close_matches:n functools.lru_cache:maxsize itertools.tee:n
statistics.quantiles:n os.makedirs:mode difflib.unified_diff:n gzip.compress:compresslevel pprint.pprint:width
str.expandtabs:tabsize bz2.compress:compresslevel difflib.context_diff:n
"""
PARAMETERS = """
math.isqrt math.comb math.perm math.copysign heapq.heappush heapq.heappop heapq.nlargest heapq.nsmallest
bisect.bisect_left bisect.insort collections.namedtuple itertools.combinations itertools.groupby itertools.takewhile
itertools.starmap itertools.tee textwrap.wrap textwrap.dedent textwrap.indent textwrap.shorten statistics.mean
statistics.stdev statistics.pstdev random.randint random.shuffle random.uniform random.sample random.choices
ast.literal_eval base64.b64encode hashlib.md5 secrets.token_hex html.escape difflib.get_close_matches difflib.ndiff
copy.deepcopy calendar.monthrange calendar.isleap dataclasses.asdict shutil.rmtree shutil.copytree re.sub re.findall
re.split string.capwords uuid.uuid5 os.makedirs os.listdir os.path.basename os.path.splitext json.dumps json.loads
sorted round divmod isinstance sum abs str.split str.replace str.join list.insert list.index list.append dict.get
dict.setdefault fnmatch.fnmatch glob.escape zlib.crc32 gzip.compress
"""
RAISING = """
list.index list.pop list.remove dict.popitem set.remove set.pop str.index str.rindex bytes.index bytes.rindex
tuple.index math.factorial dict.pop bytearray.index
"""
# symbol: what it does. The description is also the expert's query; the symbol must then be found first.
DESCRIBED = """
math.gcd: greatest common divisor
math.isqrt: integer part of the square root
math.comb: number of ways to choose k items without repetition and without order
math.prod: product of all the elements of the input iterable
math.fsum: accurate floating point sum
heapq.heapify: transform a list into a heap in-place
heapq.nlargest: find the n largest elements
heapq.nsmallest: find the n smallest elements
heapq.merge: merge multiple sorted inputs into a single sorted output
textwrap.dedent: remove common leading whitespace from every line
textwrap.shorten: collapse and truncate text to fit a width
textwrap.indent: add a prefix to the beginning of selected lines
statistics.multimode: list of the most frequently occurring values
statistics.harmonic_mean: harmonic mean of data
statistics.geometric_mean: geometric mean
statistics.quantiles: divide data into continuous intervals with equal probability
random.shuffle: shuffle a list in place
random.randint: random integer including both end points
ast.literal_eval: evaluate a string containing only a Python literal expression
html.unescape: convert character references to the corresponding characters
difflib.get_close_matches: list of the best good enough matches
copy.deepcopy: deep copy of arbitrary objects
calendar.isleap: True for leap years
itertools.accumulate: series of accumulated sums
itertools.takewhile: successive entries as long as the predicate is true
itertools.permutations: successive r-length permutations
functools.lru_cache: least-recently-used cache decorator
functools.cmp_to_key: convert a cmp function into a key function
functools.reduce: function of two arguments applied cumulatively to the items of an iterable
contextlib.suppress: context manager to suppress exceptions
collections.OrderedDict: dictionary that remembers insertion order
collections.Counter: dict subclass for counting hashable items
os.getcwd: current working directory as a string
shutil.rmtree: recursively delete a directory tree
shutil.copytree: recursively copy a directory tree
uuid.uuid4: generate a random UUID
string.capwords: split into words, capitalize each word and join
str.casefold: version of a string for caseless comparisons
str.title: version of the string in which each word is titlecased
str.zfill: pad a numeric string with zeros on the left
str.partition: partition a string into three parts at a separator
str.swapcase: convert uppercase characters to lowercase and lowercase to uppercase
list.extend: extend list by appending elements from the iterable
dict.setdefault: insert key with a default value if the key is not in the dictionary
bin: binary representation of an integer
hex: hexadecimal representation of an integer
ord: Unicode code point for a one-character string
chr: Unicode string of one character with an ordinal
"""
WHERE = tuple(UNIQUE.split())
TABLE = tuple(line.strip() for line in DESCRIBED.strip().splitlines())

QUESTIONS = (
    Question("module_of", WHERE, module_of,
        """
        <which|what> module <provides|has|contains|defines> {s}?
        <which|what> standard library module <provides|contains|defines> `{s}`?
        in which module is {s} <defined|found|located>?
        where in the standard library is `{s}`? Name the module.
        from which module <do I|can I|must I> import {s}?
        name the module that <provides|contains> {s}.
        find the module of the standard library that defines `{s}`.
        tell me which module {s} belongs to.
        look up {s} and tell me its module.
        which module must be imported to use {s}?
        I want to use `{s}`. Which module is it in?
        {name} needs {s}. Which module has it?
        """, """
        `{s}` is part of which module of Python?
        complete the line: from ... import {s}
        what should stand before the dot in front of {s}, that is, which module?
        """),
    Question("default_of", tuple(DEFAULTS.split()), default_of,
        """
        what is the default value of <the parameter |>{p} in {s}?
        what is the default of `{p}` in `{s}`?
        <which|what> default does the parameter {p} of {s} have?
        look up the default value of {p} in {s}.
        find the default of the argument `{p}` of {s}.
        if {p} is not given, what value does {s} use for it?
        what value does {p} have by default in {s}?
        tell me the default for {p} in {s}.
        according to the documentation, what is the default of {p} in {s}?
        check the signature of {s}: what does {p} default to?
        """, """
        calling {s} without {p} means that {p} is what?
        in the signature of {s}, what stands after {p}= ?
        which value is assumed for {p} when I leave it out of {s}?
        """),
    Question("default_times", tuple(NUMBERS.split()), default_times,
        """
        look up the default value of {p} in {s} and multiply it by {k}.
        what is {k} times the default value of {p} in {s}?
        multiply the default of {p} in {s} by {k}.
        find the default of `{p}` of {s}, then compute {k} times that value.
        take the default value of {p} in {s} times {k}. What is the result?
        check the documentation of {s} for the default of {p} and give {k} times this number.
        {name} needs {k} times the default of {p} in {s}. How much is it?
        """, """
        the documentation of {s} says what {p} is if left out. How much is {k} of those?
        read the default that {s} has for {p} and scale it by {k}.
        """),
    Question("parameter_name", tuple(PARAMETERS.split()), parameter_name,
        """
        what is the name of the {o} parameter of {s}?
        what is the {o} parameter of `{s}` called?
        how is the {o} parameter of {s} called?
        name the {o} parameter of {s}.
        look up {s} and give the name of its {o} parameter.
        which name does the {o} argument of {s} have in the documentation?
        tell me the name of the {o} argument of `{s}`.
        find out what the {o} parameter of {s} is called.
        """, """
        in the signature of {s}, which name comes {o}?
        the {o} thing one passes to {s}: what name does Python's documentation give it?
        """),
    Question("exception_of", tuple(RAISING.split()), exception_of,
        """
        which exception does {s} raise according to its documentation?
        what exception does `{s}` raise?
        which error does the documentation of {s} mention?
        look up which exception {s} can raise.
        name the exception that {s} raises.
        what kind of error can {s} raise, according to the documentation?
        if {s} fails, which exception does its documentation name?
        """, """
        I wrap {s} in try. What does its documentation tell me to catch?
        with which exception does {s} complain, as documented?
        """),
    Question("described", TABLE, described,
        """
        which function <or class |>in Python is for this: {t}? Answer with its full name.
        look for it in the documentation: {t}. What is the full name, like module.name?
        which <function|tool> of the standard library does this: {t}? Give the full name.
        find the documented name for: {t}. Answer as module.name (a builtin without module).
        search the documentation for '{t}' and name what you find first, with its module.
        what is the full name of the Python function for '{t}'?
        {name} needs this: {t}. What is it called in Python, with its module?
        name the Python function for: {t}. Give the dotted name.
        """, """
        Python has something ready-made: {t}. Under which dotted name?
        I look for the thing in Python's library that is described so: {t}. Its full name, please.
        """),
)  # fmt: skip
