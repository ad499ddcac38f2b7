"""The files of deploy/: they parse, fit each other and the config, and what can check them here does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deepcoder.config import load_config
from deepcoder.serve.workers import CLOSING_S, check_workers

DEPLOY = Path(__file__).parents[2] / "deploy"


def compose() -> dict[str, Any]:
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert isinstance(document, dict)
    return document


def test_the_config_is_one_that_several_workers_can_serve() -> None:
    config = load_config(DEPLOY / "serve.yaml")
    assert config.serve.workers > 1
    check_workers(config)


def test_the_services_of_compose_are_those_that_the_config_names() -> None:
    config, services = load_config(DEPLOY / "serve.yaml"), compose()["services"]
    assert config.engine.base_url == "http://vllm:8001/v1"
    assert "--port=8001" in services["vllm"]["command"]
    assert f"--served-model-name={config.engine.model}" in services["vllm"]["command"]
    assert config.serve.rate_limit.storage == "redis://redis:6379"
    assert services["caddy"]["environment"]["UPSTREAM"] == f"deepcoder:{config.serve.port}"
    for service in services.values():
        assert set(service["networks"]) <= set(compose()["networks"])
        assert set(service.get("depends_on", [])) <= set(services)


def test_whoever_stops_the_service_waits_for_its_drain() -> None:
    longest = load_config(DEPLOY / "serve.yaml").serve.drain_s + CLOSING_S
    unit = (DEPLOY / "deepcoder.service").read_text()
    stop_s = next(int(line.partition("=")[2]) for line in unit.splitlines() if line.startswith("TimeoutStopSec"))
    grace_s = int(compose()["services"]["deepcoder"]["stop_grace_period"].removesuffix("s"))
    assert longest < min(stop_s, grace_s)
    assert "KillMode=mixed" in unit


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    unit = tmp_path / "deepcoder.service"
    text = (DEPLOY / "deepcoder.service").read_text()
    unit.write_text(text.replace("/opt/deepcoder/.venv/bin/deepcoder", "/bin/true"))  # it must exist for the check
    done = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "deepcoder.service" in line] == []
    assert done.returncode == 0, done.stderr


def test_docker_accepts_the_services_of_compose() -> None:
    program = shutil.which("docker")
    if program is None or subprocess.run([program, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("needs docker with compose")
    done = subprocess.run(
        [program, "compose", "-f", DEPLOY / "compose.yaml", "config", "--quiet"], capture_output=True, text=True,
        env={"PATH": "/usr/bin:/usr/local/bin", "STUDENT": "/student", "HOSTNAME_PUBLIC": "localhost"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_caddy_accepts_its_file() -> None:
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("needs caddy: apt-get install caddy")
    done = subprocess.run(
        [program, "validate", "--config", DEPLOY / "Caddyfile"], capture_output=True, text=True,
        env={"SITE": "localhost", "UPSTREAM": "127.0.0.1:8000", "HOME": "/tmp"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
