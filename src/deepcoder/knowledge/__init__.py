"""The documentation behind `retrieve_knowledge`: Python's standard library, one's own documents, searched offline."""

from pathlib import Path

from deepcoder.config import KnowledgeConfig
from deepcoder.knowledge.index import Entry, KnowledgeIndex
from deepcoder.knowledge.opening import STDLIB, open_knowledge, subject

__all__ = ["STDLIB", "Entry", "KnowledgeIndex", "open_index", "open_knowledge", "subject"]


def open_index(cache_dir: Path | None = None) -> KnowledgeIndex:
    """The standard library's documentation alone, by words: `open_knowledge` with a config's defaults."""
    return open_knowledge(KnowledgeConfig(cache_dir=cache_dir))
