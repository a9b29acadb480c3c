"""docker-compose.yml describes the system that `valence local up` runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from local import kafka, postgres, queue, storage
from local.processes import GRACE_SECONDS, LOCAL_DEFAULTS, PROCESSES, OurProcess
from local.servers import SERVERS
from runtime.settings import Inference, Notices, Storage

REPOSITORY = Path(__file__).parent.parent.parent
#: What differs, since a container has its own network: addresses and folders.
_PLACES = {"controller.quorum.voters", "listeners", "advertised.listeners", "log.dirs"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of the file, by name."""
    return dict(yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"])


def test_the_services_are_the_servers_the_processes_and_their_preparation(services: dict[str, Any]) -> None:
    local = {*SERVERS, *(process.name for process in PROCESSES), "prepare"}
    assert local - set(services) == set(), "add a service for each to docker-compose.yml, as `persist` has one"
    assert set(services) - local == set(), "take these out of docker-compose.yml, or put them into local/processes.py"


@pytest.mark.parametrize("process", [process for process in PROCESSES if process.name != "model"], ids=lambda process: process.name)
def test_a_process_is_started_by_the_same_command(services: dict[str, Any], process: OurProcess) -> None:
    assert services[process.name]["command"] == ["python", "-m", *process.module]


def test_the_model_s_container_is_started_as_sagemaker_starts_it(services: dict[str, Any]) -> None:
    assert services["model"]["command"] == ["serve"]
    assert 'ENTRYPOINT ["python", "-m", "model"]' in (REPOSITORY / "deploy/model.Dockerfile").read_text()


def test_every_process_is_told_its_port_by_the_same_variable(services: dict[str, Any]) -> None:
    for process in PROCESSES:
        assert process.port_variable in services[process.name]["environment"], process.name


def test_every_process_is_told_the_servers_by_the_same_variables(services: dict[str, Any], servers: dict[str, str]) -> None:
    for process in PROCESSES:
        if process.name != "model":  # it reads S3 and knows no other server
            assert set(servers) <= set(services[process.name]["environment"]), process.name


def test_the_settings_that_name_things_are_the_same(services: dict[str, Any]) -> None:
    environment = services["api"]["environment"]
    assert environment["VALENCE_STORAGE_BUCKET"] == Storage().bucket
    assert environment["VALENCE_NOTICES_QUEUE_NAME"] == Notices().queue_name
    assert environment["VALENCE_INFERENCE_ENDPOINT_NAME"] == Inference().endpoint_name


def test_the_broker_has_the_same_settings(services: dict[str, Any]) -> None:
    lines = (line for line in kafka.PROPERTIES.splitlines() if line and not line.startswith("#"))
    local = dict(line.split("=", 1) for line in lines)
    composed = services["kafka"]["environment"]
    for name, value in local.items():
        variable = "KAFKA_" + name.upper().replace(".", "_")
        assert variable in composed, name
        if name not in _PLACES:
            assert composed[variable] == value, name


def test_the_queue_has_the_same_settings() -> None:
    composed = (REPOSITORY / "deploy/elasticmq.conf").read_text()
    settings = [line for line in composed.splitlines() if line and not line.startswith(("#", "node-address", "rest-sqs"))]
    local = queue.CONFIGURATION.format(host="", port="", folder="/data").splitlines()
    assert settings == [line for line in local if not line.startswith(("node-address", "rest-sqs"))]


def test_the_database_and_s3_have_the_same_settings(services: dict[str, Any]) -> None:
    assert services["postgres"]["command"] == ["postgres", *postgres.SETTINGS]
    assert set(storage.SETTINGS) <= set(services["storage"]["command"])


def test_the_model_is_run_with_the_same_settings(services: dict[str, Any]) -> None:
    assert LOCAL_DEFAULTS.items() <= services["model"]["environment"].items()


def test_no_setting_of_the_processes_is_one_that_nothing_reads(services: dict[str, Any]) -> None:
    ours = {process.name for process in PROCESSES} - {"model", "sagemaker"}  # which have settings of their own
    composed = {name for service in ours for name in services[service]["environment"] if name.startswith("VALENCE_")}
    assert composed <= set(re.findall(r"\bVALENCE_[A-Z_]+", (REPOSITORY / "docs/settings.md").read_text()))


def test_whoever_is_sent_to_s3_from_outside_reaches_it(services: dict[str, Any]) -> None:
    address = urlsplit(services["api"]["environment"]["VALENCE_STORAGE_PUBLIC_URL"])
    served = urlsplit(services["api"]["environment"]["AWS_ENDPOINT_URL_S3"])
    assert f"{address.netloc}:{served.port}" in services[served.hostname]["ports"]


def test_the_images_are_the_servers_that_run_without_containers(services: dict[str, Any]) -> None:
    images = {name: services[name]["image"].split(":")[0] for name in SERVERS}
    assert images == {
        "kafka": "apache/kafka",
        "postgres": "postgres",
        "storage": "chrislusf/seaweedfs",
        "queue": "softwaremill/elasticmq-native",
    }


def test_the_same_commands_make_topics_storage_and_tables(services: dict[str, Any]) -> None:
    steps = services["prepare"]["command"][-1]
    assert steps.split(" && ") == [
        "valence topics create",
        "valence storage create --allow-origin http://127.0.0.1:8000 --allow-origin http://localhost:8000",
        "valence database migrate",
    ]


def test_docker_waits_longer_than_a_process_takes_to_stop(services: dict[str, Any]) -> None:
    for process in PROCESSES:
        assert float(services[process.name]["stop_grace_period"].rstrip("s")) >= GRACE_SECONDS, process.name
