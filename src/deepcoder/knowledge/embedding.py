"""The embedding model that the user names: an OpenAI-compatible server's, or a local one of sentence-transformers.

Nothing is downloaded: a local model is a folder, or a name that lies in the Hugging Face cache already.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from deepcoder.config import EmbeddingConfig
from deepcoder.errors import AuthenticationError, ConfigError, KnowledgeError, ProviderError

Vectors = np.ndarray[Any, np.dtype[np.float32]]


class Embedder(Protocol):
    """Texts to vectors of length 1, float32, one row a text. `identity`: equal where the vectors would be."""

    identity: str

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is searched."""
        ...

    def query(self, text: str) -> Vectors:
        """The vector of a query: one row."""
        ...


def open_embedder(config: EmbeddingConfig) -> Embedder:
    """Open the model. ConfigError where none is named, KnowledgeError where a local one cannot be used."""
    if not config.model:
        raise ConfigError(
            "knowledge.search=hybrid needs knowledge.embedding.model",
            hint="name a server's model (with knowledge.embedding.base_url), a local folder, or stay with lexical",
        )
    return _Server(config) if config.base_url else _Local(config)


class _Server:
    """`POST base_url/embeddings`. Requests are tried again by the SDK, `max_retries` times."""

    def __init__(self, config: EmbeddingConfig) -> None:
        from langchain_openai import OpenAIEmbeddings

        if config.api_key_env and not os.environ.get(config.api_key_env):
            raise AuthenticationError(
                f"the environment variable {config.api_key_env} is not set", hint="it holds the embedding server's key"
            )
        key = os.environ[config.api_key_env] if config.api_key_env else "none"
        self._config = config
        self._client = OpenAIEmbeddings(
            model=config.model, base_url=config.base_url, api_key=lambda: key, chunk_size=config.batch_size,
            # Texts are sent as text: token ids of OpenAI's own tokenizers mean nothing to other servers.
            check_embedding_ctx_length=False,
            timeout=config.timeout_s, max_retries=config.max_retries,
        )  # type: ignore[call-arg]  # fmt: skip
        self.identity = _hash([str(config.base_url), str(config.model), config.document_prefix])

    def documents(self, texts: Sequence[str]) -> Vectors:
        return self._ask([self._config.document_prefix + text for text in texts])

    def query(self, text: str) -> Vectors:
        return self._ask([self._config.query_prefix + text])

    def _ask(self, texts: list[str]) -> Vectors:
        import openai

        where = f"the embedding server {self._config.base_url} (model {self._config.model})"
        try:
            return unit(self._client.embed_documents(texts), len(texts), where)
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise AuthenticationError(f"{where} refuses the key: {error}", hint="embedding.api_key_env") from None
        except openai.OpenAIError as error:
            raise ProviderError(f"{where} does not answer: {error}", hint="check knowledge.embedding") from None


class _Local:
    """A sentence-transformers model in this process; its own prompts for queries and documents are used."""

    def __init__(self, config: EmbeddingConfig) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise KnowledgeError(
                "a local embedding model needs the library sentence-transformers",
                hint="pip install 'deepcoder[hybrid]', or name a server: knowledge.embedding.base_url",
            ) from None
        folder = _folder(str(config.model))
        try:
            self._model = SentenceTransformer(str(folder), local_files_only=True)
        except Exception as error:  # the library raises its own, huggingface_hub's and plain ones
            raise KnowledgeError(f"the embedding model {folder} cannot be loaded: {error}") from error
        self._config = config
        stamps = [
            f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}"
            for path in sorted(folder.rglob("*")) if path.is_file()
        ]  # fmt: skip
        self.identity = _hash([str(folder), config.document_prefix, *stamps])

    def documents(self, texts: Sequence[str]) -> Vectors:
        prefixed = [self._config.document_prefix + text for text in texts]
        encoded = self._model.encode_document(prefixed, batch_size=self._config.batch_size, show_progress_bar=False)
        return unit(encoded, len(texts), f"the embedding model {self._config.model}")

    def query(self, text: str) -> Vectors:
        encoded = self._model.encode_query([self._config.query_prefix + text], show_progress_bar=False)
        return unit(encoded, 1, f"the embedding model {self._config.model}")


def unit(rows: Any, count: int, where: str) -> Vectors:
    """The rows as float32 [count, dimensions] of length 1. KnowledgeError for a wrong shape, zeros and NaN."""
    try:
        out = np.asarray(rows, dtype=np.float32)
    except ValueError:
        raise KnowledgeError(f"{where} gave vectors of different lengths") from None
    if out.ndim != 2 or out.shape[0] != count or not out.shape[1]:
        raise KnowledgeError(f"{where} gave an array of shape {out.shape} for {count} texts")
    lengths = np.linalg.norm(out, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise KnowledgeError(f"{where} gave a vector that is zero or not finite")
    return np.asarray(out / lengths, dtype=np.float32)


def _folder(model: str) -> Path:
    """The local folder of a model; a hub name is looked up in the cache."""
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        raise KnowledgeError(
            f"the embedding model {model!r} is neither a folder nor in the Hugging Face cache",
            hint=f"nothing is downloaded unasked; fetch it first: hf download {model}",
        ) from None


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
