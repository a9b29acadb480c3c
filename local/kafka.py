"""The Kafka broker of the local stack: the real one, KRaft, one node that is broker and controller."""

import base64
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from local.child import Child
from local.errors import ServerSetupFailed
from local.jars import class_path
from local.java import JavaProgram
from local.ports import HOST, Ports
from local.readiness import kafka_answers

#: The broker's settings; docker-compose.yml gives its broker the same.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
# The static form: the ports may differ at the next start.
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# A broker that was killed is let in again only when its old session has run out: back after 6 s, not 11 s.
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
log.cleaner.dedupe.buffer.size=2097152
"""


class Kafka:
    """One broker on a loopback port, its topics in the data folder."""

    name = "kafka"

    def __init__(self, folder: Path, ports: Ports) -> None:
        self._folder = folder
        self._port = ports.port("kafka")
        self._controller_port = ports.port("kafka-controller")
        self._properties = folder / "server.properties"

    @property
    def variables(self) -> dict[str, str]:
        """The standard variable by which programs find the broker."""
        return {"KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self._port}"}

    def prepare(self, environment: Mapping[str, str]) -> Child:
        """Write the settings, format the storage the first time, and describe the process.

        Blocks. Raises ServerSetupFailed, JarsUnavailable.
        """
        program = JavaProgram("kafka.Kafka", class_path("kafka"), self._folder)
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(PROPERTIES.format(host=HOST, broker=self._port, controller=self._controller_port, data=data))
        if not (data / "meta.properties").exists():
            self._format(program, environment)
        return Child(
            name=self.name,
            server=True,
            address=f"{HOST}:{self._port}",
            argv=program.command("512m", str(self._properties), properties=("-Xms128m",)),
            environment=environment,
            folder=self._folder,
            ready=lambda: kafka_answers(self._port),
            grace=20,
            stopped_cleanly=program.keep_recording,
        )

    def _format(self, program: JavaProgram, environment: Mapping[str, str]) -> None:
        # An id may begin with a hyphen, so it is given with "=".
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = program.tool("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._properties))
        done = subprocess.run(command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise ServerSetupFailed(self.name, done.returncode, done.stdout)
