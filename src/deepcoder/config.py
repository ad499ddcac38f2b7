"""The whole configuration: pydantic models, YAML files, `key.sub=value` overrides.

One YAML file is one recipe. Unknown keys are refused with their path; nothing is read from the
environment but API keys, whose variable names stand in the config.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deepcoder.errors import ConfigError


class Section(BaseModel):
    """A part of the config; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunConfig(Section):
    """Where results go and which seed everything derives from."""

    dir: Path = Path("runs/demo")
    seed: int = 0


class ProblemsConfig(Section):
    """Which problems. `source`: procedural, mbpp, humaneval, jsonl or huggingface."""

    source: Literal["procedural", "mbpp", "humaneval", "jsonl", "huggingface"] = "procedural"
    path: Path | None = None
    name: str | None = Field(default=None, description="Hugging Face dataset name")
    subset: str | None = Field(default=None, description="a Hugging Face dataset's configuration, such as GSM8K's main")
    dataset_split: str = "train"
    revision: str | None = Field(default=None, description="a Hugging Face dataset's branch, tag or commit")
    streaming: bool = Field(default=False, description="read a Hugging Face dataset row by row up to the limit")
    fields: dict[str, str] = Field(default_factory=dict, description="record field -> dataset column")
    levels: dict[str, int] = Field(
        default_factory=dict, description="numbers for a difficulty column of words: {easy: 1, hard: 2}"
    )
    answer_after: str | None = Field(
        default=None, description="in the answer column the answer is what follows the last one of these, such as ####"
    )
    families: list[str] = Field(default_factory=list, description="procedural families; empty: all")
    train: int = Field(default=1600, ge=1, description="procedural training problems")
    held_out: int = Field(default=60, ge=1, description="procedural problems in each held-out split")
    sealed: bool = Field(
        default=False, description="held-out splits of the sealed half, on which no choice of a recipe is made"
    )
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0


class TeacherConfig(Section):
    """A teacher as `provider:model`, or `expert`."""

    model: str = "expert"
    base_url: str | None = None
    api_key_env: str | None = None
    temperature: float = Field(default=0.6, ge=0, le=2)
    max_tokens: int = Field(default=2048, ge=1)
    timeout_s: float = Field(default=120.0, gt=0)
    max_attempts: int = Field(default=6, ge=1, description="tries of one request on 5xx and transport faults")
    max_wait_s: float = Field(
        default=3600.0,
        ge=0,
        description="the longest wait a 429 may ask for; beyond it (a daily quota) the run stops; 90000 waits it out",
    )
    max_outage_s: float = Field(
        default=1800.0, ge=0, description="a provider that only fails is probed for so long, then the run stops"
    )
    requests_per_minute: float | None = Field(default=None, gt=0, description="the provider's limit, kept to")
    tokens_per_minute: float | None = Field(default=None, gt=0, description="the provider's limit, kept to")
    requests_per_day: float | None = Field(default=None, gt=0, description="for --dry-run; its 429s are obeyed anyway")
    tokens_per_day: float | None = Field(default=None, gt=0, description="for --dry-run; its 429s are obeyed anyway")
    reasoning: Literal["record", "thought", "drop"] = Field(
        default="record",
        description="reasoning apart from the text is kept in the record, becomes the thought, or is not stored",
    )
    input_price: float = Field(default=0.0, ge=0, description="price of a million input tokens")
    output_price: float = Field(default=0.0, ge=0, description="price of a million output tokens")
    cached_price: float | None = Field(
        default=None, ge=0, description="price of a million input tokens from the provider's cache; unset: input_price"
    )
    stop: list[str] = Field(default_factory=list, description="stop sequences; some reasoning models refuse them")
    seed: int | None = None


class AgentConfig(Section):
    """Budgets of one agent run."""

    max_steps: int = Field(default=6, ge=1)
    max_tokens: int = Field(default=8192, ge=1, description="output tokens over all steps")
    timeout_s: float = Field(default=300.0, gt=0)
    max_observation_chars: int = Field(default=2000, ge=80)
    instructions: Literal["full", "short", "bare"] = "full"
    tools: list[str] = Field(default_factory=lambda: ["execute_python", "retrieve_knowledge", "finish"])
    extra_tools: list[str] = Field(
        default_factory=list,
        description="your own, each as package.module:function; they run in this process, outside the sandbox",
    )


class EmbeddingConfig(Section):
    """The model behind hybrid search: an OpenAI-compatible server's, or without base_url a local one."""

    model: str | None = Field(default=None, description="the server's name of it; else a folder, or a cached hub name")
    base_url: str | None = Field(default=None, description="of an OpenAI-compatible server with /embeddings")
    api_key_env: str | None = None
    query_prefix: str = Field(default="", description="what the model wants before a query, such as 'query: '")
    document_prefix: str = Field(default="", description="and before a document")
    batch_size: int = Field(default=64, ge=1, description="texts of one request")
    timeout_s: float = Field(default=60.0, gt=0)
    max_retries: int = Field(default=4, ge=0)


class KnowledgeConfig(Section):
    """What retrieve_knowledge searches."""

    stdlib: bool = Field(default=True, description="the documentation of Python's standard library")
    paths: list[str] = Field(default_factory=list, description="your own documents: files, folders, globs")
    about: str = Field(default="", description="what they are, for the prompt: 'the handbook of Acme's API'")
    suffixes: list[str] = Field(
        default_factory=lambda: [".md", ".markdown", ".txt", ".rst", ".py", ".html", ".htm"],
        description="files that are taken from folders",
    )
    exclude: list[str] = Field(default_factory=list, description="globs of what is left out, such as '**/old/**'")
    chunk_chars: int = Field(default=600, ge=100, description="longest entry; longer sections are cut at paragraphs")
    max_file_mb: float = Field(default=5.0, gt=0, description="a larger file is an error")
    results: int = Field(default=3, ge=1, le=20, description="entries of one observation")
    search: Literal["lexical", "hybrid"] = Field(
        default="lexical", description="words alone (BM25), or fused with the vectors of knowledge.embedding.model"
    )
    embedding: EmbeddingConfig = EmbeddingConfig()
    cache_dir: Path | None = Field(default=None, description="unset: $XDG_CACHE_HOME/deepcoder, ~/.cache/deepcoder")


class SandboxConfig(Section):
    """Limits of one execution of untrusted code."""

    tier: Literal["auto", "namespaces", "bubblewrap", "landlock"] = Field(
        default="auto", description="auto: namespaces, else bubblewrap; landlock is weaker and only by name"
    )
    cpu_s: float = Field(default=10.0, gt=0)
    wall_s: float = Field(default=20.0, gt=0)
    memory_mb: int = Field(default=512, ge=32)
    output_bytes: int = Field(default=64_000, ge=1000)
    processes: int = Field(default=16, ge=1)
    disk_mb: int = Field(default=32, ge=1)
    workers: int = Field(default=2, ge=1)
    queue: int = Field(default=1024, ge=0, description="calls that may wait for a worker; more are refused")
    packages: list[str] = Field(default_factory=list, description="installed packages that programs may import")


class QualityConfig(Section):
    """What a verified run must also be; a limit of none is not checked."""

    enabled: bool = True
    min_steps: int = Field(default=1, ge=1)
    max_steps: int | None = Field(default=None, ge=1, description="stricter than the agent's own budget")
    max_step_chars: int | None = Field(default=20_000, ge=1, description="thought and input of one step")
    max_chars: int | None = Field(default=60_000, ge=1, description="all steps and observations")
    allow_truncated: bool = Field(default=False, description="keep runs with a step that hit the token limit")
    max_unreadable: int | None = Field(default=2, ge=0, description="steps in which no action could be read")
    require_thought: bool = Field(default=True, description="at least one step has a thought")
    allow_template_tokens: bool = Field(default=False, description="keep <|im_end|>, </think> and their kind in steps")
    max_repeats: int | None = Field(default=2, ge=1, description="how often one action may have the same input")
    max_repetition: float | None = Field(
        default=0.5, ge=0, le=1, description="share of a step's runs of 8 words that it said before; 0.5: twice at most"
    )
    invented_observations: Literal["used", "any", "keep"] = Field(
        default="used", description="reject runs that answer from an Observation the model wrote, or all that wrote one"
    )
    max_copied_words: int | None = Field(
        default=50, ge=1, description="longest run of words that a thought may copy from an observation"
    )


class DuplicatesConfig(Section):
    """Of trajectories with the same problem and solution, one is kept."""

    enabled: bool = True
    near: bool = Field(default=True, description="near duplicates too; exact ones always")
    threshold: float = Field(default=0.9, gt=0, lt=1, description="Jaccard similarity of a near duplicate")
    shingle: int = Field(default=5, ge=1, description="compared are the sets of runs of so many words and signs")
    permutations: int = Field(default=128, ge=16, description="the estimate's deviation is at most 0.5 / its root")


class DecontaminateConfig(Section):
    """Problems and solutions of benchmarks are kept out of the training data."""

    enabled: bool = True
    benchmarks: list[str] = Field(
        default_factory=lambda: ["humaneval", "mbpp-test"], description="shipped names, or problem files"
    )
    ngram: int = Field(default=13, ge=4, description="words in a run; the shipped benchmarks are made of 13")
    code_overlap: float = Field(
        default=0.5, gt=0, le=1, description="share of a reference solution's runs of tokens that makes a hit"
    )


class GenerateConfig(Section):
    """Trajectory generation."""

    concurrency: int = Field(default=8, ge=1, description="agent runs at once")
    workers_ray: int | None = Field(
        default=None, ge=1, description="solve over Ray in so many workers, each `concurrency` runs at once"
    )
    max_cost: float | None = Field(
        default=None, gt=0, description="stop at this cost, by teacher.input_price and output_price"
    )
    max_failed: int = Field(
        default=0, ge=0, description="problems that may stay without a run (provider or sandbox failed) at the end"
    )
    attempts: int = Field(default=1, ge=1, description="runs of a problem at most, the good one is kept")
    keep: Literal["first", "shortest"] = Field(
        default="first", description="end at the first good run, or make all attempts and keep the shortest good one"
    )
    attempt_temperature: float | None = Field(
        default=None, ge=0, le=2, description="of the second attempt and later ones; unset: teacher.temperature"
    )
    corrections: int = Field(
        default=0, ge=0, description="how often a run that did not pass goes on anew from its first failing step"
    )
    first_thought: Literal["off", "ask", "reasoning"] = Field(
        default="off", description="what the first thought begins with: words asked for beforehand, or the reasoning"
    )
    first_thought_chars: int = Field(default=600, ge=40, description="its longest beginning, in whole sentences")
    quality: QualityConfig = QualityConfig()
    duplicates: DuplicatesConfig = DuplicatesConfig()
    decontaminate: DecontaminateConfig = DecontaminateConfig()


class StudentConfig(Section):
    """The model to be trained. `nano`, a directory or a Hugging Face name."""

    model: str = "nano"
    tokenizer: Path | None = None
    template: Literal["chatml", "native"] = "chatml"
    instructions: Literal["full", "short", "bare"] = "bare"
    max_length: int = Field(default=4096, ge=16, description="tokens of a whole example")


class PrepareConfig(Section):
    """Trajectories to token ids and span ids."""

    shard_rows: int = Field(default=20_000, ge=1)


class ScoreConfig(Section):
    """A model of the student's vocabulary that scores the teacher's text, behind vLLM's `prompt_logprobs`."""

    base_url: str = Field(default="http://127.0.0.1:8000/v1", description="ends where /completions begins")
    model: str | None = Field(default=None, description="as the server calls it; needed by `deepcoder score`")
    api_key_env: str | None = None
    k: int = Field(default=20, ge=1, description="likeliest tokens kept of each; vLLM allows 20 unless --max-logprobs")
    concurrency: int = Field(default=8, ge=1, description="requests at once")
    shard_rows: int = Field(default=256, ge=1, description="examples a file; what a kill costs at most")
    timeout_s: float = Field(default=120.0, gt=0)
    max_attempts: int = Field(default=6, ge=1, description="tries of one request on 5xx and transport faults")
    max_wait_s: float = Field(default=3600.0, ge=0, description="the longest wait a 429 may ask for")
    max_outage_s: float = Field(default=1800.0, ge=0, description="a server that only fails is probed for so long")


class LambdaConfig(Section):
    """Weight of one span: constant, or linear from `start` to `end` over training."""

    start: float = Field(default=1.0, ge=0)
    end: float | None = Field(default=None, ge=0)


class LoraConfig(Section):
    """LoRA adapters."""

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    targets: Literal["attention", "attention+experts"] = "attention"


class CurriculumConfig(Section):
    """Easy examples first: cost = alpha * |REASON| + beta * |ACT| + gamma * H(teacher), in tokens and nats."""

    enabled: bool = False
    alpha: float = Field(default=1.0, ge=0, description="cost of one trained REASON token")
    beta: float = Field(default=1.0, ge=0, description="cost of one trained ACT token")
    gamma: float = Field(default=0.0, ge=0, description="cost of one nat of the teacher's entropy; needs stored scores")
    epochs: int = Field(default=1, ge=1, description="epochs that go easy first; later ones are in random order")


class LocalTeacherConfig(Section):
    """train.teacher_scores=local: a model of the student's vocabulary, whose whole distribution is learned."""

    model: str | None = Field(default=None, description="a directory or a Hugging Face name; a student's folder too")
    divergence: Literal["forward", "reverse", "jsd"] = Field(
        default="forward", description="KL(q || p), KL(p || q) or generalised JSD; q: teacher, p: student"
    )
    beta: float = Field(default=0.5, gt=0, lt=1, description="of jsd: share of the teacher in the mixture")


class TrainConfig(Section):
    """SAD training."""

    backend: Literal["transformers", "unsloth"] = "transformers"
    method: Literal["full", "lora"] = "full"
    load_in_4bit: bool = False
    lora: LoraConfig = LoraConfig()
    lambda_reason: LambdaConfig = LambdaConfig()
    lambda_act: LambdaConfig = LambdaConfig()
    normalization: Literal["span", "token"] = "span"
    teacher_scores: Literal["none", "stored", "local"] = Field(
        default="none",
        description="what is learned in place of the text's own tokens. stored: KL to the distributions that "
        "`deepcoder score` made; local: to those of train.teacher.model, run beside the student",
    )
    teacher: LocalTeacherConfig = LocalTeacherConfig()
    epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=8, ge=1)
    gradient_accumulation: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup_ratio: float = Field(default=0.05, ge=0, le=1)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    dtype: Literal["float32", "bfloat16"] = "float32"
    loss_chunk_rows: int = Field(default=1024, ge=1)
    group_by_length: bool = Field(default=True, description="examples of like length share a step: less padding")
    packing: bool = Field(
        default=False,
        description="batch_size counts rows of student.max_length tokens, each filled with whole examples kept apart",
    )
    curriculum: CurriculumConfig = CurriculumConfig()
    mask_error_steps: Literal["none", "act", "all"] = Field(
        default="none", description="of steps whose observation is an error, leave the action (act) or all untrained"
    )
    eval_fraction: float = Field(
        default=0.0, ge=0, lt=1, description="share of the problems held out; their loss is taken at every checkpoint"
    )
    final: Literal["best", "last"] = Field(
        default="best", description="the checkpoint that final/ is made of, where eval_fraction says which is best"
    )
    max_memory_gb: float | None = Field(
        default=None, gt=0, description="GiB of the device that training may take; refused beforehand where too little"
    )
    peak_tflops: float | None = Field(
        default=None, gt=0, description="of the device in train.dtype, for the MFU; unset: known GPUs by name"
    )
    save_steps: int = Field(default=100, ge=1)
    keep_checkpoints: int = Field(default=2, ge=1)
    logging_steps: int = Field(default=10, ge=1)
    report_to: list[str] = Field(
        default_factory=list, description="beside TensorBoard, which is always written: wandb and its like, by name"
    )
    optimizer: Literal["adamw", "adamw_8bit"] = Field(default="adamw", description="adamw_8bit needs bitsandbytes")
    router_aux_coefficient: float = Field(default=0.0, ge=0, description="weight of the load-balancing loss of an MoE")
    gradient_checkpointing: bool = Field(default=False, description="unsloth always checkpoints, in its own way")
    experts_implementation: Literal["auto", "eager", "grouped_mm"] = "auto"
    threads: int | None = Field(default=None, ge=1, description="CPU threads; unset: one a core")


class EngineConfig(Section):
    """How a student answers: in process, or any OpenAI-compatible server."""

    engine: Literal["local", "openai"] = "local"
    base_url: str | None = None
    model: str | None = None
    api_key_env: str | None = None
    batch_size: int = Field(default=8, ge=1)
    max_new_tokens: int = Field(default=512, ge=1, description="tokens of one step")
    temperature: float = Field(default=0.0, ge=0, le=2)
    timeout_s: float = Field(default=120.0, gt=0, description="engine=openai: of one request")
    price_per_hour: float = Field(
        default=0.0, ge=0, description="of the machine that runs the student, in the currency of teacher.input_price"
    )


class RefereeConfig(TeacherConfig):
    """A model that compares the responses of student and teacher, as `provider:model`; none while `model` is empty."""

    model: str = ""
    temperature: float = Field(default=0.0, ge=0, le=2)
    problems: int = Field(default=40, ge=1, description="problems that it compares, each in both orders")


class NativeConfig(Section):
    """The untrained base in its own chat template, with its own thinking and tool calls, on a server that has them."""

    enabled: bool = False
    base_url: str | None = Field(default=None, description="of the server; unset: engine.base_url of engine=openai")
    model: str | None = Field(default=None, description="the server's name of the base; unset: student.model")
    api_key_env: str | None = None
    thinking: bool = True
    temperature: float = Field(default=0.6, ge=0, le=2)
    max_new_tokens: int = Field(default=4096, ge=1, description="tokens of one reply, its thinking included")


class EvaluateConfig(Section):
    """Evaluation of base, student and teacher on the same problems."""

    models: list[Literal["base", "student", "teacher"]] = ["base", "student", "teacher"]
    splits: list[str] = Field(default_factory=list, description="empty: every evaluation split of the source")
    limit: int | None = Field(default=None, ge=1, description="problems a split")
    concurrency: int = Field(default=8, ge=1)
    bootstrap: int = Field(default=2000, ge=100, description="draws of a bootstrap interval")
    no_tools: bool = Field(default=False, description="also the student with execute_python answering that it is away")
    base_model: str | None = Field(default=None, description="engine=openai: the server's name of the untrained base")
    base_native: NativeConfig = NativeConfig()
    tool_calls: int = Field(default=40, ge=0, description="single calls asked of each model, in four kinds; 0: none")
    judge: RefereeConfig = RefereeConfig()
    max_failed: int = Field(
        default=0, ge=0, description="runs of a model that may fail (provider or sandbox) before the stage does"
    )


class RateLimitConfig(Section):
    """Requests allowed to one key."""

    requests: str = "60/minute"
    storage: str = "memory://"


class ServeConfig(Section):
    """The HTTP service."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, description="processes; more than one needs rate_limit.storage in Redis")
    keys_file: Path = Path("keys.sqlite")
    model_name: str = Field(default="deepcoder", min_length=1, description="what /v1/models calls the student")
    max_body_bytes: int = Field(default=1_000_000, ge=1000)
    body_timeout_s: float = Field(default=20.0, gt=0, description="a request body must have arrived by then")
    max_problem_chars: int = Field(default=20_000, ge=1)
    max_concurrency: int = Field(default=8, ge=1, description="agent runs at a time, in each worker")
    max_queue: int = Field(default=32, ge=0, description="requests that may wait for a run, in each worker")
    queue_timeout_s: float = Field(default=30.0, gt=0)
    drain_s: float = Field(default=30.0, ge=0, description="time that running requests get after SIGTERM")
    heartbeat_s: float = Field(default=15.0, gt=0, description="an SSE comment when nothing else was sent")
    rate_limit: RateLimitConfig = RateLimitConfig()
    cors_origins: list[str] = Field(default_factory=list, description="empty: no cross-origin requests")
    page: bool = Field(default=True, description="the web page at /")
    metrics: bool = Field(default=True, description="Prometheus metrics at /metrics, without a key")
    otlp_endpoint: str | None = Field(
        default=None,
        description="of an OpenTelemetry collector, such as http://127.0.0.1:4318/v1/traces; unset: no spans",
    )


class Config(Section):
    """A whole recipe."""

    run: RunConfig = RunConfig()
    problems: ProblemsConfig = ProblemsConfig()
    teacher: TeacherConfig = TeacherConfig()
    agent: AgentConfig = AgentConfig()
    knowledge: KnowledgeConfig = KnowledgeConfig()
    sandbox: SandboxConfig = SandboxConfig()
    generate: GenerateConfig = GenerateConfig()
    student: StudentConfig = StudentConfig()
    prepare: PrepareConfig = PrepareConfig()
    score: ScoreConfig = ScoreConfig()
    train: TrainConfig = TrainConfig()
    engine: EngineConfig = EngineConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    serve: ServeConfig = ServeConfig()


def load_config(path: Path | None, overrides: Sequence[str] = ()) -> Config:
    """The config in `path` (None: all defaults) with `key.sub=value` overrides; values are YAML."""
    tree: dict[str, Any] = {}
    if path is not None:
        tree = _read_yaml(path)
    for override in overrides:
        _apply(tree, override)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise _explain(error, path) from None


def dump_config(config: Config) -> str:
    """The resolved config as YAML; `load_config` of it gives the same Config."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"config file {path} does not exist", hint="ready ones lie in configs/") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {path} is not valid YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"config file {path} must hold a mapping, not {type(tree).__name__}")
    return tree


def _apply(tree: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign or not key:
        raise ConfigError(f"override {override!r} is not of the form key.sub=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    if value is None and text.lstrip().startswith("#"):  # a comment to YAML, a value to who wrote it
        value = text
    *parents, last = key.split(".")
    node = tree
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError(f"override {override!r}: {parent} is a value, not a section")
        node = child
    node[last] = value


def _explain(error: ValidationError, path: Path | None) -> ConfigError:
    where = str(path) if path is not None else "the overrides"
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"unknown key {key}{_suggest(item['loc'])}")
        else:
            lines.append(f"{key}: {item['msg']} (got {item['input']!r})")
    return ConfigError(f"{where}: " + "; ".join(lines), hint="every key and its default: deepcoder doctor --config")


def _suggest(loc: tuple[int | str, ...]) -> str:
    model: Any = Config
    for part in loc[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field is not None else None
    names = list(getattr(model, "model_fields", {}))
    close = difflib.get_close_matches(str(loc[-1]), names, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
