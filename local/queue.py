"""The SQS server of the local stack: ElasticMQ, queues and messages on disk."""

from collections.abc import Mapping
from pathlib import Path

from local.child import Child
from local.jars import class_path
from local.java import JavaProgram
from local.ports import HOST, Ports
from local.readiness import http_answers

#: What ElasticMQ is told.
# WRITE_DELAY=0: otherwise a message that was acknowledged up to half a second before a SIGKILL is gone (measured: 20 of 20).
# One thread for its actors: with several, the one that stores a message reads the list of its receipts while the one that hands it out
# appends to it, finds a null, fails, and the whole queue stands still for 21 s (ElasticMQ 1.6.14; docs/decisions/0003).
CONFIGURATION = """\
include classpath("application.conf")
node-address {{ protocol = http, host = "{host}", port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-hostname = "{host}", bind-port = {port}, sqs-limits = strict }}
rest-stats {{ enabled = false }}
messages-storage {{ enabled = true, uri = "jdbc:h2:{folder}/messages;WRITE_DELAY=0" }}
queues-storage {{ enabled = true, path = "{folder}/queues.conf" }}
pekko.actor.default-dispatcher.fork-join-executor {{ parallelism-min = 1, parallelism-max = 1 }}
"""


class Queue:
    """One SQS endpoint on a loopback port."""

    name = "queue"

    def __init__(self, folder: Path, ports: Ports) -> None:
        self._folder = folder
        self._port = ports.port("queue")

    @property
    def variables(self) -> dict[str, str]:
        """The standard variable by which boto3 finds the endpoint."""
        return {"AWS_ENDPOINT_URL_SQS": f"http://{HOST}:{self._port}"}

    def prepare(self, environment: Mapping[str, str]) -> Child:
        """Write the settings and describe the process. Blocks; raises JarsUnavailable."""
        program = JavaProgram("org.elasticmq.server.Main", class_path("elasticmq"), self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "elasticmq.conf"
        configuration.write_text(CONFIGURATION.format(host=HOST, port=self._port, folder=self._folder))
        return Child(
            name=self.name,
            server=True,
            address=f"{HOST}:{self._port}",
            argv=program.command("128m", properties=(f"-Dconfig.file={configuration}",)),
            environment=environment,
            folder=self._folder,
            ready=lambda: http_answers(self._port, "/?Action=ListQueues"),
            grace=20,
            stopped_cleanly=program.keep_recording,
        )
