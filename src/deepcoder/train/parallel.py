"""Several processes: what they tell each other, and how a sharded model's optimizer becomes one state and back.

DDP, data parallel in its plain form, keeps the whole model on every rank and averages gradients once a step. FSDP2
(accelerate's plugin around torch.distributed.fsdp.fully_shard) keeps a share of every tensor there, and gathers a layer
when it is its turn. Checkpoints do not show which of them wrote them: weights and optimizer are those of one process,
written by rank 0, and any number of ranks goes on from them at the same global batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from deepcoder.config import TrainConfig
from deepcoder.errors import TrainingError


def ranks() -> int:
    """Processes of this training, as torchrun started them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def sharded(train: TrainConfig) -> bool:
    """Whether the model is spread over ranks; one process has nothing to share."""
    return train.parallel == "fsdp2" and ranks() > 1


def global_batch(train: TrainConfig) -> int:
    """Examples (packed: rows) of one step, over all ranks: what a run that goes on must keep."""
    return train.batch_size * train.gradient_accumulation * ranks()


def check_parallel(train: TrainConfig) -> None:
    """Raise TrainingError where `train.parallel` is not what the other settings can do."""
    if train.parallel != "fsdp2":
        return
    if train.backend == "unsloth":
        raise TrainingError(
            "train.parallel=fsdp2 needs train.backend=transformers: with unsloth the weights are in NF4, packed bytes "
            "that belong to scales beside them, and FSDP2 cuts floating-point tensors row by row; left whole on every "
            "rank, as accelerate would leave them, they save no memory",
            hint="train.parallel=ddp: a 30B student in 4 bit with its adapters is on every GPU",
        )
    if train.optimizer == "adamw_8bit":
        raise TrainingError(
            "train.parallel=fsdp2 and train.optimizer=adamw_8bit do not go together: bitsandbytes' kernels take no "
            "shares of tensors",
            hint="train.optimizer=adamw, whose moments FSDP2 spreads over the ranks",
        )


def begin_alike(parameters: Iterable[nn.Parameter]) -> None:
    """Give every rank rank 0's values of the trained parameters. Every rank must call this."""
    for group in _by_kind(parameters):
        flat = torch.cat([parameter.detach().flatten() for parameter in group])
        dist.broadcast(flat, 0)
        for parameter, part in zip(group, torch.split(flat, [p.numel() for p in group]), strict=True):
            parameter.data.copy_(part.view_as(parameter))


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each trained parameter's gradient by its mean over the ranks. Every rank must call this.

    grad = sum(grad of each rank) / ranks; a gradient that a rank does not have counts as zero.

    Once a step, in one message: DistributedDataParallel sends buckets while the backward pass goes on, which adapters
    of megabytes do not need, and takes no gradient that gets ready twice, for which Unsloth checkpoints in another way
    than on one GPU (deepcoder.train.unsloth_backend). Here each rank's model is what it is on one GPU.
    """
    for group in _by_kind(parameters):
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in group]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        for parameter, part in zip(group, torch.split(flat, [p.numel() for p in group]), strict=True):
            parameter.grad = part.view_as(parameter)


def _by_kind(parameters: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    """The trained ones by dtype, which one flat tensor can hold."""
    kinds: dict[torch.dtype, list[nn.Parameter]] = {}
    for parameter in parameters:
        if parameter.requires_grad:
            kinds.setdefault(parameter.dtype, []).append(parameter)
    return list(kinds.values())


def share_on_cpus(state: Any, settings: dict[str, Any]) -> None:
    """Make accelerate's `state` of several CPU processes one of FSDP2, as it does for several GPUs by itself."""
    from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

    plugin = FullyShardedDataParallelPlugin(**settings)
    if state.mixed_precision != "no":
        plugin.set_mixed_precision(state.mixed_precision)
    state.distributed_type, state.fsdp_plugin = DistributedType.FSDP, plugin


def whole_weights(model: nn.Module, *, trained: bool) -> dict[str, Tensor]:
    """A sharded model's state dict, or what is `trained` of it, whole and on the CPU. Every rank must call this."""
    wanted = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    state = model.state_dict()
    return {name: _whole(value) for name, value in state.items() if not trained or name in wanted}


def whole_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """`optimizer.state_dict()` with whole tensors on the CPU, as one process has it. Every rank must call this."""
    state = optimizer.state_dict()
    state["state"] = {
        number: {name: _whole(value) for name, value in entries.items()} for number, entries in state["state"].items()
    }
    return state


def load_whole_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """What `whole_state` gave, or one process stored, into an optimizer of shared parameters. Every rank calls this."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]

    def share(value: Any, parameter: Tensor) -> Any:
        if not isinstance(parameter, DTensor) or not isinstance(value, Tensor) or value.shape != parameter.shape:
            return value  # the count of steps is every rank's own
        return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)

    entries = {
        number: {name: share(value, parameters[number]) for name, value in values.items()}
        for number, values in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": entries})


def _whole(value: Any) -> Any:
    from torch.distributed.tensor import DTensor

    if isinstance(value, DTensor):
        value = value.full_tensor()
    return value.detach().cpu() if isinstance(value, Tensor) else value
