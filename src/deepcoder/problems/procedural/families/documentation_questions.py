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
    Question("module_of", WHERE, module_of),
    Question("default_of", tuple(DEFAULTS.split()), default_of),
    Question("default_times", tuple(NUMBERS.split()), default_times),
    Question("parameter_name", tuple(PARAMETERS.split()), parameter_name),
    Question("exception_of", tuple(RAISING.split()), exception_of),
    Question("described", TABLE, described),
)  # fmt: skip
