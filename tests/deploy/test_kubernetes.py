"""The Flink cluster of Kubernetes: held against the schemas of Kubernetes and of Flink's operator."""

import zipfile
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.config.load import load_config
from runners.java.jars import Jar, resolve
from tests.cluster.configuration import NEEDED, SLOTS
from tests.deploy.artefacts import DEPLOY, FLINK_DEPLOYMENT, as_understood, documents, parse

KUBERNETES = "1.31"
RESOURCES = documents(FLINK_DEPLOYMENT.read_text(encoding="utf-8"))
OPERATOR = Jar(
    frozenset({"operator"}),
    "org/apache/flink/flink-kubernetes-operator-api/1.10.0/flink-kubernetes-operator-api-1.10.0.jar",
    "b1f44814e17514fa8395c61b329a3ee9087123a5bda5b21fe1a495d5182c30b6",
)
FLINK_IMAGE = yaml.safe_load((DEPLOY / "flink" / "config.yaml").read_text(encoding="utf-8"))


def one(kind: str, name: str = "") -> dict[str, Any]:
    [found] = [each for each in RESOURCES if each["kind"] == kind and each["metadata"]["name"].endswith(name)]
    return found


def pod_of(document: dict[str, Any]) -> dict[str, Any]:
    return dict(document["spec"]["template"]["spec"])


@pytest.fixture(scope="session")
def crd() -> dict[str, Any]:
    """The schema of a FlinkDeployment, out of the operator's jar."""
    [jar] = resolve("operator", load_config(None, {}, ()).settings.jars_cache, jars=[OPERATOR])
    with zipfile.ZipFile(jar) as archive:
        text = archive.read("META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml")
    # The safe loader written in C, where there is one: the text has half a megabyte.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    [version] = yaml.load(text, Loader=loader)["spec"]["versions"]  # noqa: S506
    return dict(version)


@pytest.mark.integration
def test_the_cluster_is_what_the_operator_takes(crd):
    cluster = one("FlinkDeployment")
    assert cluster["apiVersion"] == f"flink.apache.org/{crd['name']}"
    schema = strict(crd["schema"]["openAPIV3Schema"])
    assert [error.message for error in Draft202012Validator(schema).iter_errors(cluster)] == []


def strict(schema: Any, *, top: bool = True) -> Any:
    """The schema without room for fields that it does not name: Kubernetes would drop them and say nothing."""
    if not isinstance(schema, dict):
        return schema
    changed = {
        name: {key: strict(value, top=False) for key, value in inner.items()}
        if name == "properties"
        else strict(inner, top=False)
        for name, inner in schema.items()
    }
    closes = "properties" in schema and not top and "x-kubernetes-preserve-unknown-fields" not in schema
    return {"additionalProperties": False, **changed} if closes else changed


@pytest.mark.parametrize(
    "document", [each for each in RESOURCES if each["kind"] != "FlinkDeployment"], ids=lambda each: each["kind"]
)
def test_the_rest_is_what_kubernetes_takes(document):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    kubernetes_validate.validate(document, KUBERNETES, strict=True)
    assert document["metadata"]["name"].startswith("tracing-")


def test_the_cluster_has_what_every_cluster_for_the_aggregator_needs():
    for configuration in (one("FlinkDeployment")["spec"]["flinkConfiguration"], FLINK_IMAGE):
        assert configuration.items() >= NEEDED.items()
        assert int(configuration["taskmanager.numberOfTaskSlots"]) == SLOTS
        assert configuration["state.checkpoints.dir"].startswith("file:///checkpoints/")


def test_the_job_is_not_the_operators_to_stop():
    """Its way of stopping ends the Kafka read first, and with it all waits (docs/operations.md)."""
    assert "job" not in one("FlinkDeployment")["spec"]


def test_the_control_pod_speaks_to_that_cluster_and_sees_its_checkpoints():
    cluster, control = one("FlinkDeployment"), pod_of(one("Deployment"))
    settings = as_understood(one("ConfigMap")["data"]).settings
    assert settings.flink_master == f"{cluster['metadata']['name']}-rest:8081"
    assert settings.flink_checkpoints_dir == cluster["spec"]["flinkConfiguration"]["state.checkpoints.dir"]
    [container] = control["containers"]
    parse(container["args"])
    [flink] = cluster["spec"]["podTemplate"]["spec"]["containers"]
    assert {"name": "checkpoints", "mountPath": "/checkpoints"} in container["volumeMounts"]
    assert flink["volumeMounts"] == [{"name": "checkpoints", "mountPath": "/checkpoints"}]
    claims = {each["metadata"]["name"] for each in RESOURCES if each["kind"] == "PersistentVolumeClaim"}
    assert {volume["persistentVolumeClaim"]["claimName"] for volume in control["volumes"][:2]} == claims


def test_flink_and_beam_are_reached_by_their_own_pods_the_control_pod_and_the_operator():
    policy = one("NetworkPolicy", "flink")
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app": one("FlinkDeployment")["metadata"]["name"]}
    among_themselves, from_outside = policy["spec"]["ingress"]
    assert among_themselves == {"from": [{"podSelector": policy["spec"]["podSelector"]}]}
    assert from_outside["ports"] == [{"port": 8081}]
    assert all("podSelector" in peer for peer in from_outside["from"])
    assert one("NetworkPolicy", "control")["spec"]["ingress"][0]["ports"] == [{"port": "metrics"}]


def test_nothing_runs_as_root_or_gains_rights():
    cluster = one("FlinkDeployment")["spec"]["podTemplate"]["spec"]
    for pod in (cluster, pod_of(one("Deployment"))):
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
