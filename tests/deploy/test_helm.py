"""The chart: rendered by helm, where it is, and held against the schemas of Kubernetes."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import java_clients
from pipeline.config.load import SETTINGS
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
@pytest.mark.parametrize(("given", "arguments"), [("false", ["run"]), ("true", ["run", "--start-anew"])])
def test_state_is_given_up_only_if_the_values_say_so(given, arguments):
    [run] = [one for one in containers(render("--set", f"aggregator.startAnew={given}")) if one["name"] == "aggregator"]
    assert run["args"] == arguments


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
def test_what_it_renders_is_the_same_each_time_and_holds_no_secret():
    assert render() == render()
    assert of("Secret", render()) == []


@with_helm
@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("0.8", "0.8"),
        ("0.05", "0.05"),
        ("86400000", "86400000"),
        ("12345678901", "12345678901"),
        ('["a","b"]', "a,b"),
        ("[1,0.5]", "1,0.5"),
        ("true", "true"),
        ('""', ""),
        ('"0123"', "0123"),
        ('"a: b"', "a: b"),
    ],
)
def test_a_value_reaches_the_environment_as_it_was_meant(given, value):
    [config_map] = of("ConfigMap", render("--set-json", f"settings.a\\.value={given}"))
    assert config_map["data"]["KAFKATRACE_A_VALUE"] == value


@with_helm
def test_numbers_of_a_values_file_are_not_rounded(tmp_path):
    values = tmp_path / "values.yaml"
    values.write_text("settings: {ratio: 0.8, small: 0.05, whole: 86400000, list: [a, b], nothing: null}")
    [config_map] = of("ConfigMap", render("--values", str(values)))
    assert {name: value for name, value in config_map["data"].items() if not name.endswith("SERVERS")} == {
        "KAFKATRACE_RATIO": "0.8",
        "KAFKATRACE_SMALL": "0.05",
        "KAFKATRACE_WHOLE": "86400000",
        "KAFKATRACE_LIST": "a,b",
    }


@with_helm
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set-json", 'settings.trace={"topics":"orders"}'), "settings"),
        (("--set", "agregator.startSeconds=5"), "agregator"),
        (("--set", r"settings.metrics\.port=0"), "metrics.port=0"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(arguments, told):
    command = [str(HELM), "template", "tracing", str(CHART), "--kube-version", KUBERNETES, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert told in ended.stderr


@with_helm
def test_probes_ask_by_http_where_the_settings_have_the_server_listen():
    rendered = render("--set", r"settings.metrics\.port=9999,settings.metrics\.tls\.cert\.file=/etc/c.pem")
    [aggregator] = pods(rendered)[0]["containers"]
    assert aggregator["ports"] == [{"name": "metrics", "containerPort": 9999}]
    assert aggregator["startupProbe"]["failureThreshold"] == 180
    asked = {name: aggregator[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {one["scheme"] for one in asked.values()} == {"HTTPS"}
    assert {name: one["path"] for name, one in asked.items()} == {
        "startupProbe": "/readyz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    [dashboard] = pods(rendered)[1]["containers"]
    assert dashboard["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http", "scheme": "HTTP"}
    assert dashboard["env"] == [{"name": "KAFKATRACE_METRICS_ADDRESS", "value": "https://tracing:8080"}]
    [port] = [port for service in of("Service", rendered) for port in service["spec"]["ports"] if port["port"] == 8080]
    assert port["targetPort"] == "metrics"


@with_helm
def test_on_openshift_no_user_is_named():
    named = {pod["securityContext"].get("runAsUser") for pod in pods(render())}
    openshift = pods(render("--api-versions", "security.openshift.io/v1"))
    chosen = pods(render("--set", "podSecurity.runAsUser=null,podSecurity.fsGroup=null"))
    assert named == {10001}
    assert all(pod["securityContext"].keys() == {"runAsNonRoot", "seccompProfile"} for pod in (*openshift, *chosen))


@with_helm
def test_only_this_namespace_gets_in_unless_others_are_named():
    everybody = [policy["spec"]["ingress"][0]["from"] for policy in of("NetworkPolicy", render())]
    assert all({"podSelector": {}} in peers for peers in everybody)
    assert not any("namespaceSelector" in peer for peers in everybody for peer in peers)
    [named, _] = [policy["spec"]["ingress"][0]["from"] for policy in of("NetworkPolicy", render(*EVERYTHING))]
    assert named[0] == {"podSelector": {"matchLabels": {"app": "prometheus"}}}
    assert named[1]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "dashboard"


@with_helm
def test_a_pod_notes_the_secrets_it_depends_on_and_other_settings_start_it_anew():
    def noted(*arguments: str) -> dict[str, str]:
        return of("StatefulSet", render(*arguments))[0]["spec"]["template"]["metadata"]["annotations"]

    assert set(noted(*EVERYTHING)) == {"checksum/settings", "checksum/secret-login", "checksum/secret-files"}
    assert noted() != noted("--set", r"settings.retention\.ms=1000")
    assert noted("--set", "podAnnotations.team=tracing")["team"] == "tracing"


@with_helm
def test_the_token_is_that_of_a_secret_or_is_made_beside_the_store():
    [own], [of_secret] = pods(render())[1]["containers"], pods(render(*EVERYTHING))[1]["containers"]
    assert "--token-file=/var/lib/tracing-aggregator/token" in own["args"]
    assert "--token-file=/etc/dashboard-token/token" in of_secret["args"]


def test_the_versions_are_those_of_the_distribution():
    setup = (CHART.parents[2] / "setup.py").read_text(encoding="utf-8")
    [version] = re.findall(r'version="(.+)"', setup)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (version, version)
