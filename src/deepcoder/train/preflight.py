"""How much memory a training will take, before anything is loaded.

    weights      4 bit: NF4 with double quantization, 0.5 + 1/64 + 4/(64*256) bytes a weight of attention and experts;
                 embedding, head and routers stay bf16. Else 2 or 4 bytes a parameter.
    adapters     fp32 weight and gradient, and two Adam moments: 4 + 4 + 2 * 4 bytes a parameter (8-bit: 4 + 4 + 2)
    full         fp32 master, gradient, two moments: the same, over all parameters
    layer        what the backward pass of one layer holds, for T tokens of k experts each, in bytes of the precision.
                 Unsloth: T k (3 d + 3 w) of the experts, T (2 d) beside, and in 4 bit the widest expert tensor
                 dequantized to bf16. Plain transformers: what the layer saved, and as much in gradients
    kept         what the forward pass keeps of the layers: their inputs T d with gradient checkpointing (Unsloth has
                 these in the host's memory), else what each saved, T k (4 d + 5 w) + T (6 d) + T (5 q + 4 kv)
    loss         chunk rows * V logits in fp32, and the gradient of the trained rows
    teacher      of train.teacher_scores=local: its weights, and as many logits again
    shards       train.parallel=fsdp2: weights, adapters and full are divided by the ranks; layer has two layers,
                 embedding and head more, which are whole while they are at work
    process      on a CPU: the interpreter with its libraries

The peak is weights + teacher + adapters (or full) + kept + the larger of layer and loss; d: width, w: of an expert, q
and kv: of all query and key heads. `layer` and `kept` are models of what frameworks really keep. Unsloth's was set by
what was measured on one text of 4,096 tokens and the shape of Qwen3-30B-A3B with 4, 16 and 48 layers, and lies within
0.1 GiB of these (packed rows took 0.1 to 0.25 GiB more); that of transformers by nano's resident memory, within 15%.
Allocators reserve more than they allocate: 0.6 GiB there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from transformers import AutoConfig, PretrainedConfig

from deepcoder.config import Config
from deepcoder.errors import TrainingError
from deepcoder.models.chatml import REFERENCE
from deepcoder.models.nano import nano_config
from deepcoder.train.parallel import ranks, sharded
from deepcoder.train.shape import Shape, shape_of
from deepcoder.train.white_box import teacher_name

GIB = 2**30
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
# An interpreter that has imported torch and transformers (CPU builds), resident.
PROCESS = 0.6 * GIB


@dataclass(frozen=True)
class Estimate:
    """Bytes of each part; see the module."""

    weights: float
    trained: float
    kept: float
    layer: float
    loss: float
    process: float = 0.0
    teacher: float = 0.0

    @property
    def loaded(self) -> float:
        """After loading, before the first step."""
        return self.process + self.weights + self.teacher

    @property
    def peak(self) -> float:
        """Of a training step."""
        return self.loaded + self.trained + self.kept + max(self.layer, self.loss)

    def describe(self) -> str:
        """One line, in GiB."""
        parts = {
            "process": self.process, "weights": self.weights, "teacher": self.teacher,
            "trained parameters": self.trained,
            "activations": self.kept + max(self.layer, self.loss),
        }  # fmt: skip
        return f"{self.peak / GIB:.1f} GiB at peak: " + ", ".join(
            f"{name} {size / GIB:.1f}" for name, size in parts.items() if size
        )


def estimate(
    shape: Shape, config: Config, longest: int, *, cpu: bool = False, teacher: Shape | None = None, shards: int = 1
) -> Estimate:
    """The memory of training a student of `shape` as `config` says, on rows of `longest` tokens.

    `teacher`: of train.teacher_scores=local; loaded in fp32 on a CPU and taken for 16 bit elsewhere. `shards`: ranks
    that share weights, gradients and moments (train.parallel=fsdp2).
    """
    train = config.train
    unsloth = train.backend == "unsloth"
    full = train.method == "full"
    narrow = 2 if train.dtype == "bfloat16" else 4
    tokens = train.batch_size * longest
    states = 2 if train.optimizer == "adamw_8bit" else 8
    trained = shape.parameters if full else shape.adapters(train.lora.rank, experts="experts" in train.lora.targets)
    rows, saved = train.loss_chunk_rows, narrow * tokens * _saved(shape)
    if unsloth:
        kept, layer = 0, narrow * tokens * (shape.active * 3 * (shape.width + shape.mlp_width) + 2 * shape.width)
        if train.load_in_4bit:
            layer += 2 * max(1, shape.experts) * 2 * shape.width * shape.mlp_width
    else:
        checkpointed = narrow * tokens * shape.layers * shape.width
        kept, layer = checkpointed if train.gradient_checkpointing else (shape.layers - 1) * saved, 2 * saved
    return Estimate(
        weights=_weights(shape, train.load_in_4bit, 4 if full else narrow) / shards,
        # Full training has its master weights in `weights` already.
        trained=trained * ((0 if full else 4) + 4 + states) / shards,
        kept=kept,
        layer=layer + (_gathered(shape, narrow) if shards > 1 else 0),
        loss=min(rows, tokens) * shape.vocabulary * (8 if teacher else 4) + tokens * shape.width * (narrow + 4),
        teacher=teacher.parameters * (4.0 if cpu else 2.0) if teacher else 0.0,
        process=PROCESS if cpu else 0.0,
    )


def check_memory(config: Config, longest: int, device: torch.device, console: Console) -> Estimate:
    """Print the estimate beside what the device has free; raises TrainingError where that cannot suffice.

    `longest`: tokens of the longest example. Packed rows hold student.max_length.
    `train.max_memory_gb` caps what may be used, on CUDA for the whole process from here on.
    """
    cpu = device.type != "cuda"
    row = config.student.max_length if config.train.packing else longest
    local = config.train.teacher_scores == "local"
    teacher = shape_of(model_config(teacher_name(config.train.teacher), "train.teacher.model")) if local else None
    shards = ranks() if sharded(config.train) else 1
    found = estimate(shape_of(student_config(config)), config, row, cpu=cpu, teacher=teacher, shards=shards)
    # Processes on one CPU share its memory; on CUDA each has a device.
    beside = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    free = available_memory() / beside if cpu else float(torch.cuda.mem_get_info(device)[0])
    cap = None if config.train.max_memory_gb is None else config.train.max_memory_gb * GIB
    room = free if cap is None else min(free, cap)
    capped = "" if cap is None else f", capped at {cap / GIB:.1f}"
    console.print(
        f"memory: {found.describe()} (estimated); {free / GIB:.1f} GiB free{capped}", highlight=False, soft_wrap=True
    )
    if found.peak > room:
        limit = f"train.max_memory_gb={config.train.max_memory_gb}" if room == cap else f"{free / GIB:.1f} GiB free"
        raise TrainingError(
            f"training would take {found.describe()}; there are {room / GIB:.1f} GiB ({limit})", hint=_hint(config)
        )
    if cap is not None and not cpu:
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, cap / total), device)
    return found


def student_config(config: Config) -> PretrainedConfig:
    """The student's own config: no weights are read."""
    return model_config(config.student.model, "student.model")


def model_config(name: str, key: str) -> PretrainedConfig:
    """The config of the model that the setting `key` names."""
    if name == "nano":
        return nano_config()
    reference = Path(name) / REFERENCE
    try:
        source = json.loads(reference.read_text())["model"] if reference.is_file() else name
        found: PretrainedConfig = AutoConfig.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{key}={name} cannot be loaded: {error}",
            hint="name `nano`, a directory with config.json and weights, or a model on the Hugging Face hub",
        ) from error
    return found


def available_memory() -> float:
    """Bytes that this process can still take: of the machine, and of the control group it lives in."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = float(fields["MemAvailable"].split()[0]) * 1024
    for folder in _groups():
        try:
            limit, used = (folder / name for name in ("memory.max", "memory.current"))
            if (text := limit.read_text().strip()) != "max":
                free = min(free, float(text) - float(used.read_text()) + _reclaimable(folder))
        except OSError:
            continue
    return free


def resident_memory() -> float:
    """Bytes of this process in the machine's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def _groups() -> list[Path]:
    """The process's control group (v2) and those above it."""
    try:
        name = Path("/proc/self/cgroup").read_text().strip().splitlines()[-1].rpartition(":")[2]
    except OSError:
        return []
    root = Path("/sys/fs/cgroup")
    own = root / name.lstrip("/")
    return [own, *(parent for parent in own.parents if parent.is_relative_to(root))]


def _reclaimable(group: Path) -> float:
    """File cache that the group's own limit counts and that is given back when memory is short."""
    lines = (line.split() for line in (group / "memory.stat").read_text().splitlines())
    return float(next((value for name, value in lines if name == "inactive_file"), 0))


def _saved(shape: Shape) -> int:
    """Numbers a token that one layer keeps for its backward pass."""
    heads, key_heads = shape.heads * shape.head_width, shape.key_heads * shape.head_width
    experts = shape.active * (4 * shape.width + 5 * shape.mlp_width)
    return experts + 6 * shape.width + 5 * heads + 4 * key_heads


def _weights(shape: Shape, in_4bit: bool, size: int) -> float:
    if not in_4bit:
        return float(shape.parameters * size)
    quantized = shape.layers * (shape.attention + max(1, shape.experts) * shape.mlp)
    return quantized * NF4_BYTES + (shape.parameters - quantized) * 2


def _gathered(shape: Shape, size: int) -> float:
    """What FSDP2 holds whole at once: the layer at work and the next one, embedding and head."""
    layer = shape.attention + max(1, shape.experts) * shape.mlp
    return float(size * (2 * layer + shape.parameters - shape.layers * layer))


def _hint(config: Config) -> str:
    train, student = config.train, config.student
    ways = []
    if train.batch_size > 1:
        ways.append(f"train.batch_size={train.batch_size // 2} with twice the gradient_accumulation")
    ways.append(f"a smaller student.max_length (now {student.max_length})")
    if not train.gradient_checkpointing and train.backend != "unsloth":
        ways.append("train.gradient_checkpointing=true")
    if train.optimizer == "adamw":
        ways.append("train.optimizer=adamw_8bit (CUDA)")
    if train.method == "full":
        ways.append("train.method=lora")
    return "what helps: " + "; ".join(ways)
