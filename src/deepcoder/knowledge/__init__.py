"""The documentation index behind `retrieve_knowledge`: Python's own standard library, searched offline."""

from deepcoder.knowledge.index import Entry, KnowledgeIndex, open_index

__all__ = ["Entry", "KnowledgeIndex", "open_index"]
