"""The chart: rendered by helm, where it is, and held against the schemas of Kubernetes."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import java_clients
from pipeline.config import SETTINGS
from tests.deploy.artefacts import CHART, as_understood, documents, parse

HELM = shutil.which("helm", path=os.pathsep.join([os.environ["PATH"], str(Path.home() / "go" / "bin")]))
KUBERNETES = "1.31"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
EVERYTHING = (
    *("--set", "serviceMonitor.enabled=true,prometheusRule.enabled=true,serviceMonitor.labels.release=prometheus"),
    *("--set", "secretName=login,filesSecretName=files,dashboard.tokenSecretName=mine,image.pullSecrets[0].name=pull"),
    *("--set", "aggregator.state.storageClass=fast,aggregator.nodeSelector.disk=ssd"),
    *("--set-string", r"settings.trace\.pathways=true"),
    *("--set", r"settings.retention\.ms=86400000"),
    *("--set-json", 'networkPolicy.metricsFrom=[{"podSelector":{"matchLabels":{"app":"prometheus"}}}]'),
)
with_helm = pytest.mark.skipif(HELM is None, reason="helm is not installed: make deploy-check gets it")


def render(*arguments: str) -> list[dict[str, Any]]:
    command = [str(HELM), "template", "tracing", str(CHART), "--kube-version", KUBERNETES, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return documents(ended.stdout)


def of(kind: str, rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [document for document in rendered if document["kind"] == kind]


def pods(rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [document["spec"]["template"]["spec"] for document in of("StatefulSet", rendered)]


def containers(rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for pod in pods(rendered) for one in (*pod["containers"], *pod.get("initContainers", ()))]


def test_the_settings_of_the_values_are_settings():
    assert set(VALUES["settings"]) <= SETTINGS | java_clients.ALL


@with_helm
def test_helm_lint_finds_nothing():
    ended = subprocess.run(
        [str(HELM), "lint", "--strict", str(CHART)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout


@with_helm
@pytest.mark.parametrize("arguments", [(), EVERYTHING, ("--set", "dashboard.enabled=false,topics.create=false")])
def test_what_it_renders_is_what_kubernetes_takes(arguments):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    rendered = render(*arguments)
    own = [document for document in rendered if "monitoring.coreos.com" not in document["apiVersion"]]
    assert own
    for document in own:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


@with_helm
def test_settings_reach_the_program_as_they_are_given():
    [config_map] = of("ConfigMap", render(*EVERYTHING))
    settings = as_understood(config_map["data"]).settings
    assert (settings.bootstrap_servers, settings.trace_pathways, settings.retention_ms) == (
        *("kafka:9092", True),
        86_400_000,
    )


@with_helm
@pytest.mark.parametrize("arguments", [(), EVERYTHING])
def test_containers_have_commands_that_exist_and_no_rights(arguments):
    rendered = render(*arguments)
    for container in containers(rendered):
        parse(container["args"])
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}  # noqa: S108 - Java needs it
    for pod in pods(rendered):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False


@with_helm
def test_only_metrics_and_pages_can_be_reached():
    rendered = render(*EVERYTHING)
    reached = {
        rule["port"] for policy in of("NetworkPolicy", rendered) for rule in policy["spec"]["ingress"][0]["ports"]
    }
    assert reached == {"metrics", "http"}
    named = {port["name"]: port["containerPort"] for one in containers(rendered) for port in one.get("ports", ())}
    assert named == {"metrics": 8080, "http": 8090}
    published = {port["port"] for service in of("Service", rendered) for port in service["spec"]["ports"]}
    assert published == set(named.values())
    selected = [policy["spec"]["podSelector"]["matchLabels"] for policy in of("NetworkPolicy", rendered)]
    labels = [document["spec"]["template"]["metadata"]["labels"] for document in of("StatefulSet", rendered)]
    assert all(any(one.items() <= of_pod.items() for one in selected) for of_pod in labels)


@with_helm
def test_the_rules_in_it_are_our_rules():
    [rule] = of("PrometheusRule", render(*EVERYTHING))
    alerts = (CHART.parents[1] / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    assert rule["spec"] == yaml.safe_load(alerts)


@with_helm
def test_secrets_are_made_once_and_random_or_taken_from_a_secret_that_exists():
    first, second = ([secret["data"]["token"] for secret in of("Secret", render())] for _ in range(2))
    assert first != second
    assert of("Secret", render(*EVERYTHING)) == []


def test_the_versions_are_those_of_the_distribution():
    setup = (CHART.parents[2] / "setup.py").read_text(encoding="utf-8")
    [version] = re.findall(r'version="(.+)"', setup)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (version, version)
