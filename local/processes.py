"""The processes of ours, in one table: what `local up` runs and docker-compose.yml must name."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.child import Child
from local.ports import HOST, Ports
from local.readiness import http_answers

#: Where `python -m` finds our packages.
_PACKAGES = Path(__file__).parent.parent
#: What a process may take after SIGTERM: a worker finishes what it has in flight (its attempts have time limits) and commits.
GRACE_SECONDS = 20.0


@dataclass(frozen=True)
class OurProcess:
    """One row: how a process is run, by which variable it is told its port, and where it says that it is ready."""

    name: str
    #: What follows `python -m`.
    module: tuple[str, ...]
    #: A stage has replicas, each with a slot number that stays its own over restarts: Kafka then gives it its partitions back at once.
    stage: bool = False
    port_variable: str = "VALENCE_METRICS_PORT"
    ready_path: str = "/readyz"
    #: The name of the port at which it says so, where that is not the one that it is told by `port_variable`.
    ready_port: str = ""
    #: Whether it needs nothing that is made in the servers first, and may start while that is being made.
    early: bool = False
    #: What else it must be told; `{data}` stands for the data folder and `{NAME}` for the port of the process of that name.
    variables: tuple[tuple[str, str], ...] = ()


PROCESSES = (
    OurProcess(
        "api", ("api",), port_variable="VALENCE_API_PORT", ready_port="api-health", variables=(("VALENCE_METRICS_PORT", "{api-health}"),)
    ),
    OurProcess("outbox-relay", ("producers.outbox_relay",)),
    OurProcess("sagemaker-notices", ("producers.sagemaker_notices",)),
    OurProcess("reconciler", ("producers.reconciler",)),
    OurProcess("validate", ("stream_processors", "validate"), stage=True),
    OurProcess("invoke", ("stream_processors", "invoke"), stage=True),
    OurProcess("persist", ("stream_processors", "persist"), stage=True),
    OurProcess("status-projector", ("consumers.status_projector",)),
    OurProcess("dead-letters", ("consumers.dead_letters",)),
    OurProcess("webhooks", ("consumers.webhooks",)),
    OurProcess("model", ("model",), port_variable="VALENCE_MODEL_PORT", ready_path="/ping", early=True),
    OurProcess(
        "sagemaker",
        ("local.sagemaker",),
        port_variable="VALENCE_SAGEMAKER_PORT",
        ready_path="/healthz",
        variables=(("VALENCE_MODEL_URL", f"http://{HOST}:{{model}}"), ("VALENCE_SAGEMAKER_DATA_DIR", "{data}/sagemaker")),
    ),
)
#: The process that answers InvokeEndpointAsync, whose address goes into the standard variable.
SAGEMAKER = "sagemaker"
#: Settings that have no default of their own, as the local stack runs them unless the user's environment says otherwise.
LOCAL_DEFAULTS = {"VALENCE_MODEL_PROFILE": "bundled"}


def children(process: OurProcess, workers: int, environment: Mapping[str, str], data: Path, ports: Ports) -> list[Child]:
    """The children that one row stands for: `workers` of a stage, one of everything else."""
    replicas = workers if process.stage else 1
    return [_child(process, slot, environment, data, ports) for slot in range(replicas)]


def _child(process: OurProcess, slot: int, environment: Mapping[str, str], data: Path, ports: Ports) -> Child:
    name = f"{process.name}-{slot}" if process.stage else process.name
    port = ports.port(name)
    named = [row.name for row in PROCESSES if not row.stage] + [row.ready_port for row in PROCESSES if row.ready_port]
    known = {"data": data, **{other: ports.port(other) for other in named}}
    own = {process.port_variable: str(port), **{variable: value.format_map(known) for variable, value in process.variables}}
    if process.stage:
        own["VALENCE_WORKER_SLOT"] = str(slot)
    return Child(
        name=name,
        server=False,
        address=f"{HOST}:{port}",
        argv=(sys.executable, "-m", *process.module),
        environment={**environment, **own},
        folder=_PACKAGES,
        ready=partial(http_answers, ports.port(process.ready_port) if process.ready_port else port, process.ready_path),
        grace=GRACE_SECONDS,
        group=process.name,
    )
