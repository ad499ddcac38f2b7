"""On a GPU: the Triton kernel against the same in torch, and the whole loss in bf16 against fp64."""

from __future__ import annotations

import pytest
import torch

from deepcoder.losses import FullTeacher, TopKTeacher, sad_loss, sad_loss_dense
from deepcoder.losses.divergence import cross_entropy_
from deepcoder.losses.kernel import cross_entropy_kernel_, kernel_applies

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


def test_the_kernel_is_for_fp32_logits_on_cuda_alone() -> None:
    assert not kernel_applies(torch.zeros(1, 2))
    assert not kernel_applies(torch.zeros(1, 2, dtype=torch.float64))


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("n", "vocabulary"), [(1, 50), (5, 4096), (7, 10_001), (64, 151_936)])
def test_kernel_equals_torch(n: int, vocabulary: int, dtype: torch.dtype) -> None:
    z = 5 * torch.randn(n, vocabulary, device="cuda")
    targets = torch.randint(vocabulary, (n,), device="cuda")
    weights = torch.rand(n, device="cuda")
    want_grad = z.clone()
    want = cross_entropy_(want_grad, targets, grad=True)
    want_grad *= weights[:, None]
    got, grad = cross_entropy_kernel_(z, targets, weights, dtype)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    tolerance = 1e-5 if dtype == torch.float32 else 2**-8
    torch.testing.assert_close(grad.float(), want_grad, rtol=tolerance, atol=1e-6)


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("train_head", [False, True])
@pytest.mark.parametrize("kind", ["text", "topk", "forward", "reverse", "jsd"])
def test_bf16_on_a_gpu_is_near_fp64(kind: str, train_head: bool) -> None:
    n, width, vocabulary = 300, 256, 30_000
    rows = torch.randn(n, width, device="cuda", dtype=torch.bfloat16).requires_grad_()
    head = (torch.randn(vocabulary, width, device="cuda") / 8).bfloat16().requires_grad_(train_head)
    targets = torch.randint(vocabulary, (n,), device="cuda")
    spans = torch.randint(1, 3, (n,), device="cuda")
    top = torch.randn(n, vocabulary, device="cuda").log_softmax(1).topk(8)
    teacher = {"text": None, "topk": TopKTeacher(top.indices, top.values)}.get(kind)
    if kind in ("forward", "reverse", "jsd"):
        teacher = FullTeacher(kind, logits=torch.randn(n, vocabulary, device="cuda"))  # type: ignore[arg-type]
    weights = {"lambda_reason": 1.0, "lambda_act": 2.0, "n_reason": 150, "n_act": 150}
    got = sad_loss(rows, head, targets, spans, teacher=teacher, chunk_rows=128, **weights)  # type: ignore[arg-type]
    got.loss.backward()
    wide_rows, wide_head = (x.detach().double().requires_grad_() for x in (rows, head))
    want = sad_loss_dense(wide_rows, wide_head, targets, spans, teacher=teacher, **weights)  # type: ignore[arg-type]
    want.loss.backward()
    torch.testing.assert_close(got.loss.double(), want.loss, rtol=1e-4, atol=1e-5)
    pairs = [(rows.grad, wide_rows.grad)] + [(head.grad, wide_head.grad)] * train_head
    for ours, reference in pairs:
        assert ours is not None
        assert reference is not None
        assert (ours.double() - reference).norm() < 0.01 * reference.norm()


@pytest.mark.gpu
@needs_cuda
def test_peak_memory_is_one_chunk_of_logits() -> None:
    n, width, vocabulary, chunk_rows = 4096, 256, 50_000, 256
    rows = torch.randn(n, width, device="cuda", dtype=torch.bfloat16).requires_grad_()
    head = torch.randn(vocabulary, width, device="cuda", dtype=torch.bfloat16)
    targets = torch.randint(vocabulary, (n,), device="cuda")
    arguments = {"lambda_reason": 1.0, "lambda_act": 1.0, "n_reason": n, "n_act": 1, "chunk_rows": chunk_rows}
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    sad_loss(rows, head, targets, torch.ones_like(targets), **arguments).loss.backward()  # type: ignore[arg-type]
    peak = torch.cuda.max_memory_allocated() - before
    assert peak < 1.1 * chunk_rows * vocabulary * 4 + 3 * rows.numel() * 2 + 2**20
