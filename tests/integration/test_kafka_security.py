"""A broker that takes only TLS and a password is spoken to by every client of ours, and a wrong password is said to be wrong."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator

import pytest

from local import kafka
from local.background import running_servers
from local.ports import HOST
from runtime import provisioning
from runtime import settings as configuration
from runtime.errors import DependencyUnavailable, SettingsError
from runtime.kafka import KafkaPublisher, KafkaSubscription
from runtime.lag import LagGauge
from runtime.settings import Settings
from schemas.codec import Record
from schemas.topics import UPLOADS_RECEIVED
from tests.certificates import self_signed
from tests.waiting import until

#: A second listener; the first stays plain for whoever looks whether the broker serves.
_SECURE = """
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller},SECURE://localhost:PORT
advertised.listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller},SECURE://localhost:PORT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=KEYSTORE
listener.name.secure.sasl.enabled.mechanisms=PLAIN
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_valence="secret";
"""
#: What a stage deals with by Kafka alone.
BAD = Record(UPLOADS_RECEIVED.name, b"bad", b"no event", [])
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables by which our processes find a broker that asks for TLS and a password."""
    server, trusted = self_signed(tmp_path_factory.mktemp("certificates"), "localhost")
    with socket.socket() as held, pytest.MonkeyPatch.context() as patch:
        held.bind((HOST, 0))
        port = held.getsockname()[1]
        secure = _SECURE.replace("PORT", str(port)).replace("KEYSTORE", str(server))
        patch.setattr(kafka, "PROPERTIES", kafka.PROPERTIES + secure)
        held.close()
        with running_servers(tmp_path_factory.mktemp("kafka"), ("kafka",)):
            yield {
                "DATABASE_URL": "postgresql://unused",
                "KAFKA_BOOTSTRAP_SERVERS": f"localhost:{port}",
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_MECHANISM": "PLAIN",
                "KAFKA_SASL_USERNAME": "valence",
                "KAFKA_SASL_PASSWORD": "secret",
                "KAFKA_SSL_CAFILE": str(trusted),
            }


@pytest.fixture
def settings(broker: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in broker.items():
        monkeypatch.setenv(name, value)
    return configuration.load()


async def test_every_client_speaks_to_a_broker_that_asks_for_tls_and_a_password(settings: Settings) -> None:
    servers = settings.kafka_bootstrap_servers
    await asyncio.to_thread(provisioning.create_topics, settings)
    publisher = KafkaPublisher(servers)
    await publisher.publish([BAD])
    await publisher.close()

    subscription = KafkaSubscription(servers, "readers", [UPLOADS_RECEIVED.name], 0)
    (found,) = await until(lambda: subscription.poll(1, 500), "the record")
    assert found.key == BAD.key
    await subscription.close()
    gauge = await asyncio.to_thread(LagGauge, servers, "strangers", [UPLOADS_RECEIVED.name])
    assert await asyncio.to_thread(gauge.measure) == {UPLOADS_RECEIVED.name: 1}
    gauge.close()


async def test_a_stage_reads_and_writes_there_too(settings: Settings) -> None:
    servers = settings.kafka_bootstrap_servers
    await asyncio.to_thread(provisioning.create_topics, settings)
    publisher = KafkaPublisher(servers)
    await publisher.publish([BAD])
    await publisher.close()
    stage = await asyncio.create_subprocess_exec(sys.executable, "-m", "stream_processors", "validate")
    subscription = KafkaSubscription(servers, "dead-letters", [UPLOADS_RECEIVED.dead_letters], 0)
    (dead,) = await until(lambda: subscription.poll(1, 500), "the dead letter")
    assert dead.key == BAD.key
    await subscription.close()
    stage.terminate()
    assert await stage.wait() == 0


async def test_a_wrong_password_counts_as_a_broker_that_is_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "guessed")
    publisher = KafkaPublisher(settings.kafka_bootstrap_servers)
    with pytest.raises(DependencyUnavailable):
        await publisher.publish([BAD])
    await publisher.close()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("KAFKA_SECURITY_PROTOCOL", "tls", "KAFKA_SECURITY_PROTOCOL is 'tls'"),
        ("KAFKA_SASL_PASSWORD", "", "KAFKA_SASL_PASSWORD must be set"),
        ("KAFKA_SSL_CAFILE", "/nowhere.pem", "KAFKA_SSL_CAFILE is '/nowhere.pem': there is no such file"),
    ],
)
def test_a_setting_that_cannot_work_is_named_at_the_start(variable: str, value: str, words: str) -> None:
    given = {"DATABASE_URL": "postgresql://x", "KAFKA_BOOTSTRAP_SERVERS": "x", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
    given |= {"KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "p", variable: value}
    with pytest.raises(SettingsError, match=words):
        configuration.load(given)
