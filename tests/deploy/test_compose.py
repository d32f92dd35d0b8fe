"""The compose environment: what compose would refuse, and what would not work once it is up."""

import json
import re
from importlib import resources
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.deploy.artefacts import COMPOSE, FLINK_DOCKERFILE, IMAGE, as_understood, compose, parse

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == IMAGE}


def test_it_is_what_the_specification_of_compose_allows():
    builtin = pytest.importorskip("check_jsonschema.builtin_schemas")
    schema = json.loads((resources.files(builtin) / "vendor" / "compose-spec.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(compose())] == []


def test_ports_are_published_on_loopback_only():
    for name, service in SERVICES.items():
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.get("ports", ())), name


def test_images_of_others_are_pinned():
    for name, service in SERVICES.items():
        if "build" not in service:
            assert re.search(r":v?\d+\.\d+", service["image"]), name


def test_what_is_mounted_exists():
    volumes = compose()["volumes"]
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            exists = (COMPOSE.parent / source).exists() if source.startswith(".") else source in volumes
            assert exists, f"{name}: {source}"


def test_what_is_waited_for_is_started_by_the_same_profile():
    for name, service in SERVICES.items():
        for needed in service.get("depends_on", ()):
            profiles = set(SERVICES[needed].get("profiles", ()))
            assert not profiles or set(service.get("profiles", ())) <= profiles, f"{name} needs {needed}"


def test_without_a_profile_there_are_raw_traces_and_nobody_reads_them():
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {"broker", "topics", "traffic"}


@pytest.mark.parametrize("name", OURS)
def test_the_commands_and_settings_of_our_services_are_understood(name):
    service = OURS[name]
    parse(service.get("command", ["run"]))
    assert as_understood(service["environment"]).settings.bootstrap_servers == "broker:29092"


def test_prometheus_asks_services_that_exist_and_loads_our_rules():
    configuration = yaml.safe_load((COMPOSE.parent / "prometheus.yml").read_text(encoding="utf-8"))
    assert configuration["rule_files"] == ["alerts.yml"]
    for job in configuration["scrape_configs"]:
        for target in [target for static in job["static_configs"] for target in static["targets"]]:
            name, port = target.split(":")
            found = [host for host, service in SERVICES.items() if name in {host, *aliases(service)}]
            assert found == (["aggregator", "exporter"] if name == "job" else [name])
            if name == "job":
                ports = {as_understood(SERVICES[host]["environment"]).settings.metrics_port for host in found}
                assert ports == {int(port)}


def aliases(service: dict[str, Any]) -> list[str]:
    return list(service.get("networks", {}).get("default", {}).get("aliases", ()))


def test_the_dashboard_asks_the_job_how_it_is_and_is_asked_by_http_itself():
    dashboard = SERVICES["dashboard"]
    assert as_understood(dashboard["environment"]).settings.metrics_address == "http://job:8080"
    assert "http://127.0.0.1:8090/healthz" in dashboard["healthcheck"]["test"][-1]


def test_the_flink_of_the_environment_is_built_upon_the_aggregator():
    flink = [service for service in SERVICES.values() if service["image"] == f"{IMAGE}-flink"]
    assert flink
    assert all(service["build"]["dockerfile"] == "deploy/flink/Dockerfile" for service in flink)
    assert f"ARG IMAGE={IMAGE}" in FLINK_DOCKERFILE.read_text(encoding="utf-8")
