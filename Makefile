# Every target does its own set-up: `make demo` and `make test` work in a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A machine whose package index has only CUDA builds of torch: name the index with CPU builds in
# TORCH_INDEX (pytorch.org/get-started names it) to save several GB.
TORCH_INDEX ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
# Training on a GPU and serving with vLLM pin different torches: a venv each, beside the one for CPU.
GPU_VENV ?= .venv-gpu
VLLM_VENV ?= .venv-vllm
VLLM_VERSION ?= 0.33.0
PYTEST_WORKERS ?= 2

.PHONY: install install-gpu install-vllm demo test check format lint types imports bench soak clean help

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

$(STAMP): pyproject.toml constraints.txt constraints-common.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "DeepCoder needs CPython 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@

install: $(STAMP) ## a venv with everything for CPU

install-gpu: ## $(GPU_VENV): the package with Unsloth, for a CUDA GPU
	test -x $(GPU_VENV)/bin/python || $(PYTHON) -m venv $(GPU_VENV)
	$(GPU_VENV)/bin/python -m pip --disable-pip-version-check install -q -c constraints-gpu.txt -e '.[gpu]'
	@$(GPU_VENV)/bin/python -c 'import torch; print("torch", torch.__version__, "sees a GPU:", torch.cuda.is_available())'

install-vllm: ## $(VLLM_VENV): vLLM alone, to serve a student
	test -x $(VLLM_VENV)/bin/python || $(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python -m pip --disable-pip-version-check install -q vllm==$(VLLM_VERSION)

demo: $(STAMP) ## the whole pipeline on the embedded default
	$(BIN)/deepcoder demo

test: $(STAMP) ## the CPU test suite
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) -m "not gpu and not browser"

check: format lint types imports test ## what CI runs

format: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

bench: $(STAMP) ## every benchmark that this machine can run
	@for file in $(filter-out %_soak.py,$(wildcard benchmarks/*.py)); do \
	  echo "== $$file"; $(BIN)/python $$file || exit 1; done

soak: $(STAMP) ## 20,000 executions in the sandbox, 20 kills, 1,000 problems of a faulty provider, 1,000 requests with a canary
	$(BIN)/python benchmarks/sandbox_soak.py soak
	DEEPCODER_KILLS=20 DEEPCODER_FAULT_PROBLEMS=1000 $(BIN)/python -m pytest -n 0 \
	  tests/generate/test_crash.py tests/generate/test_faults.py tests/trajectories/test_compaction.py
	DEEPCODER_CANARY_REQUESTS=1000 $(BIN)/python -m pytest -n 0 tests/serve/test_canary.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
