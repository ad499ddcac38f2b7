from __future__ import annotations

from pathlib import Path

from deepcoder.train.plots import write_plots


def test_each_plot_is_a_png_of_what_the_log_has(tmp_path: Path) -> None:
    lines = [{"step": 1, "loss_act": 2.0, "tokens_per_s": 5.0}, {"step": 2, "loss_act": 1.0, "eval_loss_act": 1.5}]
    written = write_plots(lines, tmp_path / "plots")
    assert [path.name for path in written] == ["loss.png", "speed.png"]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["loss.png", "speed.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_a_log_without_numbers_has_no_plots(tmp_path: Path) -> None:
    assert write_plots([], tmp_path) == []
