"""The index that a config names: what every stage opens."""

from __future__ import annotations

from deepcoder.config import KnowledgeConfig
from deepcoder.errors import ConfigError
from deepcoder.knowledge.index import KnowledgeIndex
from deepcoder.knowledge.stdlib import default_cache, stdlib_file

# What retrieve_knowledge searches where nothing else is configured.
STDLIB = "the documentation of Python's standard library"


def subject(config: KnowledgeConfig) -> str:
    """What the index is about, in words for a prompt."""
    own = config.about or "the documents that were provided"
    if not config.paths:
        return STDLIB
    return f"{STDLIB} and {own}" if config.stdlib else own


def open_knowledge(config: KnowledgeConfig) -> KnowledgeIndex:
    """The index over the library's documentation, one's own documents, or both; built where the cache lacks it.

    Raises KnowledgeError for documents that cannot be read or a model that cannot be used, ConfigError where there
    is nothing to search, and with hybrid search what the embedding server raises.
    """
    if not config.stdlib and not config.paths:
        raise ConfigError(
            "knowledge.stdlib=false and no knowledge.paths: there is nothing to search",
            hint="name documents, or leave retrieve_knowledge out of agent.tools",
        )
    folder = default_cache() if config.cache_dir is None else config.cache_dir
    if config.paths:
        from deepcoder.knowledge.own import own_file

        path = own_file(config, folder)
    else:
        path = stdlib_file(folder)
    if config.search == "lexical":
        return KnowledgeIndex(path, results=config.results, about=subject(config))
    from deepcoder.knowledge.embedding import open_embedder
    from deepcoder.knowledge.vectors import open_vectors

    embedder = open_embedder(config.embedding)
    plain = KnowledgeIndex(path)
    try:
        entries = plain.entries()
    finally:
        plain.close()
    texts = [entry.render() for _, entry in entries]
    vectors = open_vectors([number for number, _ in entries], texts, embedder, folder)
    return KnowledgeIndex(path, vectors, results=config.results, about=subject(config))
