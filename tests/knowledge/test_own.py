"""The index of own documents: beside or instead of the library's, rebuilt by what changed, fused with vectors."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.config import EmbeddingConfig, KnowledgeConfig
from deepcoder.errors import AuthenticationError, ConfigError, KnowledgeError, ProviderError
from deepcoder.knowledge import KnowledgeIndex, open_knowledge, own
from deepcoder.knowledge.embedding import unit
from deepcoder.knowledge.index import fuse

GUIDE = "# Orders\nAn order has items.\n\n## Refunds\nMoney goes back within two weeks.\n\n## Grüße\nÄpfel und Öl.\n"
CODE = 'def settle(order, *, currency="EUR"):\n    """Close the order."""\n    return order\n'


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "api").mkdir(parents=True)
    (folder / "guide.md").write_text(GUIDE)
    (folder / "api/orders.py").write_text(CODE)
    return folder


@pytest.fixture
def config(docs: Path, tmp_path: Path) -> KnowledgeConfig:
    return KnowledgeConfig(stdlib=False, paths=[str(docs)], cache_dir=tmp_path / "cache")


def symbols(index: KnowledgeIndex, query: str) -> list[str]:
    return [entry.symbol for entry in index.search(query)]


def test_documents_are_found_by_words_and_code_by_its_name(config: KnowledgeConfig):
    index = open_knowledge(config)
    assert symbols(index, "when does money go back?")[0] == "shop/guide.md > Orders > Refunds"
    assert symbols(index, "api.orders.settle") == symbols(index, "settle()") == ["api.orders.settle"]
    assert symbols(index, "äpfel") == ["shop/guide.md > Orders > Grüße"]
    [entry] = index.search("settle")
    assert entry.render().startswith("api.orders.settle(order, *, currency='EUR')\ndef settle(order")
    assert entry.file == "shop/api/orders.py"
    assert index.search("zzqqxx") == []


def test_the_library_stays_beside_them(config: KnowledgeConfig, docs: Path):
    (docs / "json.py").write_text('def loads(text):\n    """Ours."""\n')
    index = open_knowledge(config.model_copy(update={"stdlib": True, "results": 5}))
    assert symbols(index, "heapq.heappush") == ["heapq.heappush"]
    assert symbols(index, "settle")[0] == "api.orders.settle"
    both = [entry for entry in index.search("json.loads") if entry.symbol == "json.loads"]
    assert [bool(entry.file) for entry in both] == [True, False]  # the user's own first, the library's not hidden


def test_long_sections_are_cut_and_numbered(config: KnowledgeConfig, docs: Path):
    (docs / "guide.md").write_text("# Long\n" + "\n\n".join(f"Paragraph {number} of it." for number in range(40)))
    index = open_knowledge(config.model_copy(update={"chunk_chars": 100, "results": 20}))
    found = index.search("paragraph")
    assert len({entry.symbol for entry in found}) == len(found) > 5
    assert all(len(entry.text) <= 100 for entry in found)
    assert any(entry.symbol.endswith("Long (2)") for entry in found)


def test_an_unchanged_folder_is_not_indexed_again(config: KnowledgeConfig, monkeypatch: pytest.MonkeyPatch):
    open_knowledge(config).close()
    monkeypatch.setattr(own, "entries_of", None)
    assert symbols(open_knowledge(config), "settle") == ["api.orders.settle"]


def test_only_changed_documents_are_read_into_the_next_index(
    config: KnowledgeConfig, docs: Path, monkeypatch: pytest.MonkeyPatch
):
    open_knowledge(config).close()
    read: list[str] = []
    plain = own.entries_of
    monkeypatch.setattr(own, "entries_of", lambda document, limit: read.append(document.name) or plain(document, limit))
    (docs / "guide.md").write_text(GUIDE.replace("two weeks", "three days"))
    (docs / "more.txt").write_text("Opening hours: nine to five.")
    index = open_knowledge(config)
    assert read == ["shop/guide.md", "shop/more.txt"]
    assert "three days" in index.search("money back")[0].text
    assert not any("two weeks" in entry.text for _, entry in index.entries())
    (docs / "more.txt").unlink()
    assert open_knowledge(config).search("opening hours") == []


def test_an_updated_index_answers_as_one_built_from_nothing(config: KnowledgeConfig, docs: Path, tmp_path: Path):
    for state in range(6):
        (docs / "guide.md").write_text(GUIDE * (state + 1))
        (docs / f"{state}.txt").write_text(f"note {state} on orders and refunds, money and weeks")
        if state > 2:
            (docs / f"{state - 2}.txt").unlink()
        updated = open_knowledge(config)
        anew = open_knowledge(config.model_copy(update={"cache_dir": tmp_path / f"anew{state}"}))
        assert len(updated) == len(anew)
        for query in ("orders", "refunds money", "weeks note", "settle", "note 3", "äpfel"):
            assert updated.search(query, 10) == anew.search(query, 10)
    assert len(list((tmp_path / "cache").glob("documents-*"))) == own.KEPT


def test_nothing_to_search_is_an_error(config: KnowledgeConfig, docs: Path):
    with pytest.raises(ConfigError, match="nothing to search"):
        open_knowledge(KnowledgeConfig(stdlib=False))
    for path in (docs / "guide.md", docs / "api/orders.py"):
        path.write_text(" \n")
    with pytest.raises(KnowledgeError, match="hold no text"):
        open_knowledge(config)
    assert not list(Path(config.cache_dir or "").iterdir())  # nothing half-built stays


# --- hybrid ---------------------------------------------------------------------------------------


@given(st.lists(st.permutations(range(6)), min_size=1, max_size=3))
def test_fusion_keeps_every_id_once_and_orders_by_the_sum(rankings: list[list[int]]):
    fused = fuse(rankings)
    scores = [sum(1 / (60 + ranking.index(each) + 1) for ranking in rankings) for each in fused]
    assert sorted(fused) == list(range(6))
    assert all(one >= other - 1e-12 for one, other in pairwise(scores))


def test_fusion_of_ranks():
    assert fuse([[1, 2, 3], [3, 4]]) == [3, 1, 2, 4]
    assert fuse([[], [7]]) == [7]


class Embeddings(ThreadingHTTPServer):
    """`POST /v1/embeddings` with the vectors of a table of meanings; `texts` is what it was asked."""

    meanings = (("refund", "money", "reimburse"), ("item", "order", "purchase"), ("settle", "close", "currency"))

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: list[str] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def vector(self, text: str) -> list[float]:
        return [0.01 + sum(text.lower().count(word) for word in words) for words in self.meanings]


class _Handler(BaseHTTPRequestHandler):
    server: Embeddings

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/embeddings"
        self.server.texts += body["input"]
        rows = [
            {"object": "embedding", "index": number, "embedding": self.server.vector(text)}
            for number, text in enumerate(body["input"])
        ]
        answer = {
            "object": "list",
            "model": body["model"],
            "data": rows,
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
        raw = json.dumps(answer if self.server.status == 200 else {"error": {"message": "no"}}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Embeddings]:
    with Embeddings() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def hybrid(config: KnowledgeConfig, server: Embeddings) -> KnowledgeConfig:
    embedding = EmbeddingConfig(model="meanings", base_url=server.url, max_retries=0, query_prefix="query: ")
    return config.model_copy(update={"search": "hybrid", "embedding": embedding})


def test_hybrid_search_finds_by_meaning_what_words_miss(hybrid: KnowledgeConfig, config: KnowledgeConfig):
    query = "how am I reimbursed"  # no word of it stands in the documents
    assert open_knowledge(config).search(query) == []
    assert symbols(open_knowledge(hybrid), query)[0] == "shop/guide.md > Orders > Refunds"


def test_exact_names_need_no_model(hybrid: KnowledgeConfig, server: Embeddings):
    index = open_knowledge(hybrid)
    server.texts.clear()
    assert symbols(index, "settle") == ["api.orders.settle"]
    assert server.texts == []
    index.search("money back")
    assert server.texts == ["query: money back"]


def test_only_new_pieces_are_embedded(hybrid: KnowledgeConfig, docs: Path, server: Embeddings):
    before = open_knowledge(hybrid)
    assert len(server.texts) == len(before)
    server.texts.clear()
    open_knowledge(hybrid)
    assert server.texts == []
    (docs / "guide.md").write_text(GUIDE.replace("two weeks", "three days"))
    open_knowledge(hybrid)
    assert [text.splitlines()[0] for text in server.texts] == ["shop/guide.md > Orders > Refunds"]


def test_a_build_that_was_cut_short_goes_on(
    hybrid: KnowledgeConfig, server: Embeddings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("deepcoder.knowledge.vectors.BATCH", 2)
    plain = Embeddings.vector

    def vector(self: Embeddings, text: str) -> list[float]:
        if len(self.texts) > 2:
            raise ConnectionAbortedError
        return plain(self, text)

    monkeypatch.setattr(Embeddings, "vector", vector)
    monkeypatch.setattr(Embeddings, "handle_error", lambda *_: None)
    with pytest.raises(ProviderError, match="does not answer"):
        open_knowledge(hybrid)
    monkeypatch.setattr(Embeddings, "vector", plain)
    server.texts.clear()
    total = len(open_knowledge(hybrid))
    assert len(server.texts) == total - 2 > 0


def test_a_server_that_fails_or_refuses_is_named(
    hybrid: KnowledgeConfig, server: Embeddings, monkeypatch: pytest.MonkeyPatch
):
    server.status = 500
    with pytest.raises(ProviderError, match=r"127\.0\.0\.1.*model meanings.*does not answer"):
        open_knowledge(hybrid)
    server.status = 401
    with pytest.raises(AuthenticationError, match="refuses the key"):
        open_knowledge(hybrid)
    monkeypatch.delenv("EMBED_KEY", raising=False)
    keyed = hybrid.embedding.model_copy(update={"api_key_env": "EMBED_KEY"})
    with pytest.raises(AuthenticationError, match="EMBED_KEY is not set"):
        open_knowledge(hybrid.model_copy(update={"embedding": keyed}))


def test_a_model_must_be_named_and_lie_here(config: KnowledgeConfig):
    with pytest.raises(ConfigError, match=r"needs knowledge\.embedding\.model"):
        open_knowledge(config.model_copy(update={"search": "hybrid"}))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[1.0, 2.0], [1.0]], "different lengths"),
        ([[0.0, 0.0]], "zero"),
        ([[float("nan"), 1.0]], "finite"),
        ([], "shape"),
    ],
)
def test_vectors_that_are_none(rows: list[list[float]], words: str):
    with pytest.raises(KnowledgeError, match=words):
        unit(rows, len(rows) or 1, "the model")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_local_model_of_sentence_transformers(config: KnowledgeConfig, tmp_path: Path):
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[UNK]", "money", "reimbursed", "order", "settle"]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.array([[0.01, 0.01, 0.01], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    layer = StaticEmbedding(tokenizer, embedding_weights=table)
    library.SentenceTransformer(modules=[layer], device="cpu").save(str(tmp_path / "model"))
    (tmp_path / "shop/guide.md").write_text("# Orders\nan order\n\n# Refunds\nmoney\n")
    embedding = EmbeddingConfig(model=str(tmp_path / "model"))
    index = open_knowledge(config.model_copy(update={"search": "hybrid", "embedding": embedding}))
    assert symbols(index, "reimbursed")[0] == "shop/guide.md > Refunds"
    missing = config.model_copy(update={"search": "hybrid", "embedding": EmbeddingConfig(model="nobody/never-was")})
    with pytest.raises(KnowledgeError, match="neither a folder nor in the Hugging Face cache"):
        open_knowledge(missing)
