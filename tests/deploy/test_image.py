"""The image: what can be known of it without building it. `make image-check` builds and starts it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.registry import CollectorRegistry

from pipeline.config.settings import Settings
from tests.deploy.artefacts import (
    DOCKERFILE,
    FLINK_DOCKERFILE,
    ROOT,
    as_understood,
    environment_of,
    instructions,
    json_of,
    parse,
)
from tests.tracing_aggregator.web.certificates import self_signed
from tracing_aggregator.metrics.health import PATIENCE_S, Health
from tracing_aggregator.metrics.metrics_server import MetricsServer
from tracing_aggregator.web.server import Tls

HADOLINT = shutil.which("hadolint", path=f"{Path(sys.executable).parent}")
DOCKERFILES = pytest.mark.parametrize("file", [DOCKERFILE, FLINK_DOCKERFILE], ids=["aggregator", "flink"])


@DOCKERFILES
@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed: make venv")
def test_hadolint_finds_nothing(file):
    ended = subprocess.run([str(HADOLINT), str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def last(name: str) -> str:
    return [rest for instruction, rest in instructions(DOCKERFILE) if instruction == name][-1]


def test_the_base_is_pinned_to_a_patch_version_of_a_python_that_the_suite_runs_on():
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.11\.\d+-slim-bookworm", last("ARG"))
    assert {rest.split()[0] for name, rest in instructions(DOCKERFILE) if name == "FROM"} == {"${PYTHON_IMAGE}"}


def test_it_runs_as_a_user_by_number_who_is_not_root_and_may_write_its_state_only():
    assert re.fullmatch(r"[1-9]\d*", last("USER"))
    settings = as_understood(environment_of(DOCKERFILE)).settings
    assert str(settings.state_dir) == last("VOLUME")
    assert environment_of(DOCKERFILE)["HOME"] == last("VOLUME")
    assert settings.jars_cache == Path("/opt/tracing-aggregator/jars")
    assert [rest for name, rest in instructions(DOCKERFILE) if f"jars.cache={settings.jars_cache}" in rest]


def test_without_arguments_it_runs_with_the_defaults_and_serves_metrics_where_the_port_is_published():
    assert json_of("CMD", last("CMD")) == ["run"]
    assert json_of("ENTRYPOINT", last("ENTRYPOINT"))[-1] == "tracing-aggregator"
    parse(json_of("CMD", last("CMD")))
    settings = as_understood({**environment_of(DOCKERFILE), "KAFKATRACE_BOOTSTRAP_SERVERS": "kafka:9092"}).settings
    assert (settings.metrics_host, settings.metrics_port) == ("0.0.0.0", 8080)  # noqa: S104
    ours = {"bootstrap_servers", "state_dir", "jars_cache", "metrics_host", "log_console"}
    assert settings.model_dump(exclude=ours) == Settings().model_dump(exclude=ours)


def test_secrets_and_tls_of_kafka_come_through_the_environment():
    config = as_understood(
        {
            "KAFKATRACE_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKATRACE_SASL_MECHANISM": "PLAIN",
            "KAFKATRACE_SASL_JAAS_CONFIG": "module required;",
            "KAFKATRACE_SSL_TRUSTSTORE_LOCATION": "/etc/tracing-aggregator/truststore.p12",
            "KAFKATRACE_SSL_KEYSTORE_KEY": "pem",
        }
    )
    assert config.kafka == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": "module required;",
        "ssl.truststore.location": "/etc/tracing-aggregator/truststore.p12",
        "ssl.keystore.key": "pem",
    }


@pytest.mark.parametrize("has_tls", [False, True])
@pytest.mark.parametrize(("seconds_without_a_job", "exit_code"), [(0, 0), (PATIENCE_S + 1, 1)])
def test_the_health_check_says_what_healthz_says(seconds_without_a_job, exit_code, has_tls, tmp_path):
    now = [0.0]
    health = Health(10_000, lambda: now[0])
    now[0] = seconds_without_a_job
    health.note(None)
    tls = Tls(*self_signed(tmp_path)) if has_tls else None
    with MetricsServer("127.0.0.1", 0, CollectorRegistry(), health, tls=tls) as server:
        _, *arguments = json_of("HEALTHCHECK", last("HEALTHCHECK"))
        environ = {"KAFKATRACE_METRICS_PORT": str(server.port), "PYTHONPATH": str(ROOT)}
        if tls:
            environ["KAFKATRACE_METRICS_TLS_CERT_FILE"] = str(tls.cert)
        ended = subprocess.run([sys.executable, *arguments], env=environ, timeout=30, check=False, capture_output=True)
    assert ended.returncode == exit_code, ended.stderr


def test_what_the_build_is_sent_is_enough_to_install_everything(tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line.startswith("!"):
            source, target = ROOT / line[1:], context / line[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, target)
    sent, whole = built(context, tmp_path / "sent"), built(ROOT, tmp_path / "whole")
    assert sent == whole
    assert {
        "runners/java/jars.lock",
        "tracing_aggregator/dashboard/schema.sql",
        "tracing_aggregator/cli/main.py",
    } <= sent


def built(source: Path, folder: Path) -> set[str]:
    """The files that setuptools would install from a folder, which it leaves as it is."""
    copied, made = folder / "source", folder / "made"
    ignore = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "tests", "docs")
    shutil.copytree(source, copied, ignore=ignore)
    command = [sys.executable, "setup.py", "--quiet", "build", "--build-base", str(folder / "base")]
    subprocess.run([*command, "--build-lib", str(made)], cwd=copied, check=True, capture_output=True, timeout=120)
    return {str(file.relative_to(made)) for file in made.rglob("*") if file.is_file()}
