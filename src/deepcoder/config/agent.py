"""The agent and what its tools run on: budgets, knowledge, sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from deepcoder.config.section import Section


class AgentConfig(Section):
    """Budgets of one agent run."""

    max_steps: int = Field(default=6, ge=1)
    max_tokens: int = Field(default=8192, ge=1, description="output tokens over all steps")
    max_unreadable: int | None = Field(
        default=None, ge=1, description="steps in a row that cannot be read; so many end the run"
    )
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
