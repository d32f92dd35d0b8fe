"""The application on Flink for Kubernetes: held against the schemas of Kubernetes and of Flink's operator."""

import zipfile
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.config.load import load_config
from pipeline.config.settings import Settings
from runners.flink.job_jar import MAIN
from runners.flink.options import cluster_configuration
from runners.java.jars import Jar, resolve
from tests.cluster.configuration import NEEDED, SLOTS
from tests.deploy.artefacts import (
    DEPLOY,
    FLINK_DEPLOYMENT,
    FLINK_DOCKERFILE,
    as_understood,
    documents,
    instructions,
    parse,
)
from tests.deploy.test_helm import KUBERNETES, render, with_helm

RESOURCES = documents(FLINK_DEPLOYMENT.read_text(encoding="utf-8"))
OPERATOR = Jar(
    frozenset({"operator"}),
    "org/apache/flink/flink-kubernetes-operator-api/1.10.0/flink-kubernetes-operator-api-1.10.0.jar",
    "b1f44814e17514fa8395c61b329a3ee9087123a5bda5b21fe1a495d5182c30b6",
)
FLINK_IMAGE = yaml.safe_load((DEPLOY / "flink" / "config.yaml").read_text(encoding="utf-8"))
ON_FLINK = ("--set", "flink.enabled=true")
IN_S3 = (
    *ON_FLINK,
    *("--set", "secretName=login,filesSecretName=files,image.pullSecrets[0].name=pull"),
    *("--set", "flink.state.uri=s3://state/tracing,flink.s3.enabled=true,flink.s3.pathStyle=true"),
    *("--set", "flink.s3.endpoint=http://store:9000,flink.rocksdb.storageClass=fast,flink.jobManager.nodeSelector.a=b"),
    *("--set", r"settings.flink\.parallelism=4,flink.periodicSavepoints.interval=6h"),
    *("--set", r"flink.configuration.pekko\.ask\.timeout=1 min"),
)


def one(kind: str, name: str = "", among: list[dict[str, Any]] = RESOURCES) -> dict[str, Any]:
    [found] = [each for each in among if each["kind"] == kind and each["metadata"]["name"].endswith(name)]
    return found


def pods_of(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    return [cluster["spec"][role]["podTemplate"]["spec"] for role in ("jobManager", "taskManager")]


def containers_of(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for pod in pods_of(cluster) for each in (*pod.get("initContainers", ()), *pod["containers"])]


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


def refusals(cluster: dict[str, Any], crd: dict[str, Any]) -> list[str]:
    """What the operator would not take of it, pods included."""
    assert cluster["apiVersion"] == f"flink.apache.org/{crd['name']}"
    schema = strict(crd["schema"]["openAPIV3Schema"])
    return [error.message for error in Draft202012Validator(schema).iter_errors(cluster)]


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


@pytest.mark.integration
def test_the_cluster_is_what_the_operator_takes(crd):
    assert refusals(one("FlinkDeployment"), crd) == []


@pytest.mark.integration
@with_helm
def test_the_cluster_of_the_chart_is_what_the_operator_takes_with_everything_set(crd):
    assert refusals(one("FlinkDeployment", among=render(*IN_S3)), crd) == []


@with_helm
def test_the_manifest_is_what_the_chart_renders():
    rendered = render(*ON_FLINK, "--set", "dashboard.enabled=false")
    for document in rendered:
        for label in ("app.kubernetes.io/managed-by", "helm.sh/chart"):
            del document["metadata"]["labels"][label]
    assert rendered == RESOURCES, "make manifest"


@pytest.mark.parametrize(
    "document", [each for each in RESOURCES if each["kind"] != "FlinkDeployment"], ids=lambda each: each["kind"]
)
def test_the_rest_is_what_kubernetes_takes(document):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    kubernetes_validate.validate(document, KUBERNETES, strict=True)
    assert document["metadata"]["name"].startswith("tracing")


def test_the_pods_are_what_kubernetes_takes():
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    for spec in pods_of(one("FlinkDeployment")):
        # The operator fills in the image.
        named = [{"image": "flink", **each} for each in spec["containers"]]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {**spec, "containers": named}}
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_the_cluster_has_what_every_cluster_for_the_aggregator_needs():
    for configuration in (one("FlinkDeployment")["spec"]["flinkConfiguration"], FLINK_IMAGE):
        assert configuration.items() >= NEEDED.items()
        assert int(configuration["taskmanager.numberOfTaskSlots"]) == SLOTS
        assert configuration["state.checkpoints.dir"].startswith("file:///checkpoints/")


def test_the_job_has_what_a_run_brings_along_on_other_clusters():
    brought = cluster_configuration(Settings(), job_id="0" * 32)
    configuration = one("FlinkDeployment")["spec"]["flinkConfiguration"]
    assert configuration.items() >= {(name, value) for name, value in brought.items() if not name.startswith("$")}


def test_the_operator_upgrades_the_job_with_a_savepoint():
    job = one("FlinkDeployment")["spec"]["job"]
    assert (job["upgradeMode"], job["state"], job["allowNonRestoredState"]) == ("savepoint", "running", True)
    assert (job["entryClass"], job["parallelism"]) == (MAIN, Settings().flink_parallelism)


def test_the_job_is_written_where_the_image_has_its_link_to_it():
    cluster = one("FlinkDeployment")
    [path] = {each["mountPath"] for container in containers_of(cluster) for each in container["volumeMounts"]} & {
        "/opt/flink/usrlib"
    }
    [written] = [container["args"] for container in containers_of(cluster) if "flink-jar" in container.get("args", ())]
    assert written[-1] == f"{path}/job.jar" == cluster["spec"]["job"]["jarURI"].removeprefix("local://")
    assert any("ln -s ../usrlib/job.jar /opt/flink/lib/job.jar" in rest for _, rest in instructions(FLINK_DOCKERFILE))


def test_containers_of_ours_have_commands_that_exist_and_settings_that_are_understood():
    cluster, settings = one("FlinkDeployment"), one("ConfigMap")["data"]
    ours = [container for container in containers_of(cluster) if "args" in container]
    assert [container["name"] for container in ours] == ["topics", "job", "metrics"]
    for container in ours:
        program, *arguments = container["args"]
        assert program == "tracing-aggregator"
        parse(arguments)
        as_understood(settings | {each["name"]: each["value"] for each in container.get("env", ())})


def test_the_metrics_are_those_of_the_job_in_the_same_pod():
    cluster, service = one("FlinkDeployment"), one("Service")
    [metrics] = [container for container in containers_of(cluster) if container["name"] == "metrics"]
    assert {"name": "KAFKATRACE_FLINK_MASTER", "value": "localhost:8081"} in metrics["env"]
    assert service["spec"]["selector"] == {"app": cluster["metadata"]["name"], "component": "jobmanager"}
    assert service["spec"]["ports"][0]["targetPort"] == metrics["ports"][0]["name"]
    assert "readinessProbe" not in metrics, "the operator could not reach a JobManager whose job is in trouble"


@with_helm
def test_state_in_an_object_store_needs_no_volume_and_has_the_plugin_and_the_login_of_a_secret():
    rendered = render(*IN_S3)
    cluster = one("FlinkDeployment", among=rendered)
    configuration = cluster["spec"]["flinkConfiguration"]
    assert configuration["state.checkpoints.dir"] == "s3://state/tracing/checkpoints"
    assert configuration["high-availability.storageDir"].startswith("s3://state/tracing/")
    assert (configuration["s3.endpoint"], configuration["s3.path.style.access"]) == ("http://store:9000", "true")
    assert not [each for each in rendered if each["kind"] == "PersistentVolumeClaim"]
    plugins = next(
        rest.split("--s3-plugin ")[1].split()[0] for _, rest in instructions(FLINK_DOCKERFILE) if "-plugin" in rest
    )
    for pod in pods_of(cluster):
        main = pod["containers"][0]
        assert main["env"] == [{"name": "FLINK_PLUGINS_DIR", "value": plugins}]
        assert main["envFrom"] == [{"secretRef": {"name": "login"}}]
    assert cluster["spec"]["job"]["parallelism"] == 4
    assert configuration["kubernetes.operator.periodic.savepoint.interval"] == "6h"
    assert configuration["pekko.ask.timeout"] == "1 min"


@with_helm
def test_there_is_one_aggregator_of_either_kind():
    assert {each["metadata"]["name"] for each in render(*ON_FLINK) if each["kind"] == "StatefulSet"} == {
        "tracing-dashboard"
    }
    assert not [each for each in render() if each["kind"] == "FlinkDeployment"]


def test_flink_and_beam_are_reached_by_their_own_pods_and_the_operator_and_others_see_the_metrics():
    policy = one("NetworkPolicy", "flink")
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app": one("FlinkDeployment")["metadata"]["name"]}
    among_themselves, operator, others = policy["spec"]["ingress"]
    assert among_themselves == {"from": [{"podSelector": policy["spec"]["podSelector"]}]}
    assert operator["ports"] == [{"port": 8081}]
    assert all("podSelector" in peer for peer in operator["from"])
    assert others["ports"] == [{"port": "metrics"}]


def test_nothing_runs_as_root_or_gains_rights():
    cluster = one("FlinkDeployment")
    for pod in pods_of(cluster):
        assert pod["securityContext"]["runAsNonRoot"] is True
    for container in containers_of(cluster):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
