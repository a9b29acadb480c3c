"""The settings, read once from the environment: `VALENCE_<SECTION>_<NAME>`, with the unit in the name.

The servers' addresses keep the names that the world knows: `DATABASE_URL`, `KAFKA_BOOTSTRAP_SERVERS`, and what boto3 reads by itself
(`AWS_*`, with `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME` for servers other than AWS's own).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from media.limits import MediaLimits
from runtime.errors import SettingsError

Section = TypeVar("Section", bound=msgspec.Struct)

Positive = Annotated[int, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Storage(msgspec.Struct, frozen=True):
    """`VALENCE_STORAGE_*`: the bucket of our own uploads and jobs.

    `public_url` is S3's address as browsers and other programs outside see it, if that differs from ours: presigned addresses begin so.
    With `page_sends_straight` the page sends the parts of files to S3 itself and not through the API: the bucket must allow its origin
    (`valence storage create --allow-origin`).
    """

    bucket: str = "valence"
    public_url: str = ""
    page_sends_straight: bool = False


class Sources(msgspec.Struct, frozen=True):
    """`VALENCE_SOURCES_*`: where bulk ingestion may read from, as `s3://bucket/prefix` addresses with commas between.

    Empty means only the bucket of Valence, below `ingest/`. What came through the API lies at a place of its own and needs no prefix.
    """

    allowed_prefixes: str = ""


class Limits(msgspec.Struct, frozen=True):
    """`VALENCE_LIMITS_*`: what is accepted.

    An account may have `UNSENT_UPLOADS` uploads whose content has not come, of `UNSENT_BYTES` together.
    """

    upload_bytes: Positive = 5 * 1024**3
    unsent_uploads: Positive = 200
    unsent_bytes: Positive = 200 * 1024**3
    sound_seconds: Positive = 7_200
    width: Positive = 8_192
    height: Positive = 4_320

    @property
    def of_media(self) -> MediaLimits:
        """The same, as the media guard takes them."""
        return MediaLimits(bytes=self.upload_bytes, sound_seconds=self.sound_seconds, width=self.width, height=self.height)


class Inference(msgspec.Struct, frozen=True):
    """`VALENCE_INFERENCE_*`: the asynchronous endpoint, and when to look for an answer that nobody told us of."""

    endpoint_name: str = "valence"
    timeout_seconds: Positive = 3_600
    ttl_seconds: Positive = 21_600
    #: How long after a call that may have been accepted a redelivered event calls again under the same id, unless a notice comes first.
    recall_after_seconds: Seconds = 2.0
    #: How long after the call the reconciler looks for the answer for the first time.
    check_after_seconds: Seconds = 60.0


class Notices(msgspec.Struct, frozen=True):
    """`VALENCE_NOTICES_*`: the SQS queue that is subscribed to the endpoint's SNS topics."""

    queue_name: str = "sagemaker-notices"


class Kafka(msgspec.Struct, frozen=True):
    """`KAFKA_*`: how the broker is spoken to. `KAFKA_SSL_CAFILE` names the certificates to trust, empty the system's own;
    `KAFKA_SSL_CERTFILE` and `KAFKA_SSL_KEYFILE` are ours, where the broker asks for one.
    """

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: str = ""
    ssl_cafile: str = ""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""

    def __post_init__(self) -> None:
        for field in ("ssl_cafile", "ssl_certfile", "ssl_keyfile"):
            if (path := getattr(self, field)) and not Path(path).is_file():
                raise SettingsError(f"KAFKA_{field.upper()} is {path!r}: there is no such file")
        if self.is_sasl and not (self.sasl_username and self.sasl_password):
            why = f"KAFKA_SECURITY_PROTOCOL is {self.security_protocol}"
            raise SettingsError(f"KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be set, since {why}")

    @property
    def is_sasl(self) -> bool:
        """Whether the broker asks for a name and a password."""
        return self.security_protocol.startswith("SASL_")

    def context(self) -> ssl.SSLContext | None:
        """What the broker's certificate is checked by; None without TLS."""
        if not self.security_protocol.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.ssl_cafile or None)
        if self.ssl_certfile:
            context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile or None)
        return context


class Stage(msgspec.Struct, frozen=True):
    """`VALENCE_STAGE_*`: attempts x timeout + backoff must stay below Kafka's rebalance timeout of 60 s."""

    in_flight: Positive = 32
    attempts: Positive = 3
    timeout_seconds: Seconds = 15.0
    #: How many events in a row may be dead-lettered by a failing handler before the process stops itself.
    dead_letter_limit: Positive = 20


class Worker(msgspec.Struct, frozen=True):
    """`VALENCE_WORKER_*`: which replica this is; the same number again after a restart, never twice at once."""

    slot: Annotated[int, msgspec.Meta(ge=0)] = 0


class Metrics(msgspec.Struct, frozen=True):
    """`VALENCE_METRICS_*`: where `/metrics`, `/healthz` and `/readyz` are served; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0


class Api(msgspec.Struct, frozen=True):
    """`VALENCE_API_*`: where the API listens, and how the world reaches it.

    `PUBLIC_URL` is the address that people open, like `https://valence.example`: set it wherever that is not this machine.
    `PROXIES` are the addresses of proxies, with commas between, whose X-Forwarded-For and X-Forwarded-Proto are believed.
    An account may ask `REQUESTS_A_MINUTE` times, over all replicas.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8_000
    public_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^/\s]+)?(?!\n)$")] = ""
    proxies: str = ""
    requests_a_minute: Positive = 3_000


class Accounts(msgspec.Struct, frozen=True):
    """`VALENCE_ACCOUNTS_*`: who may sign up, and with which plan, and how long a session lasts: unused, and at most."""

    sign_up_open: bool = True
    sign_ups_per_hour: Positive = 20
    plan: str = "free"
    session_idle_seconds: Positive = 7 * 86_400
    session_seconds: Positive = 30 * 86_400


class Mail(msgspec.Struct, frozen=True):
    """`VALENCE_MAIL_*`: the SMTP server by which links go out, to confirm an address and to reset a password; without a host and
    `VALENCE_API_PUBLIC_URL` none do, and addresses stay unconfirmed.

    `SECURITY` is `starttls`, `tls` (from the first byte) or `none`; `SENDER` is the address that the mails come from.
    """

    host: str = ""
    port: Annotated[int, msgspec.Meta(gt=0, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = ""
    sender: str = "valence@localhost"


class Webhooks(msgspec.Struct, frozen=True):
    """`VALENCE_WEBHOOKS_*`: how long a receiver may take, how many messages are sent at the same time, and of those to each receiver.

    `ALLOW_LOOPBACK` lets messages go to this machine itself, there also by plain http: for trying webhooks out on a local stack only.
    """

    allow_loopback: bool = False
    timeout_seconds: Seconds = 15.0
    in_flight: Positive = 64
    in_flight_each: Positive = 4


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a process is told from outside."""

    database_url: str
    kafka_bootstrap_servers: str
    kafka: Kafka = Kafka()
    storage: Storage = Storage()
    sources: Sources = Sources()
    limits: Limits = Limits()
    inference: Inference = Inference()
    notices: Notices = Notices()
    stage: Stage = Stage()
    worker: Worker = Worker()
    metrics: Metrics = Metrics()
    api: Api = Api()
    accounts: Accounts = Accounts()
    mail: Mail = Mail()
    webhooks: Webhooks = Webhooks()

    @property
    def sends_mail(self) -> bool:
        """Whether links go out by mail: the server is known, and so is the address at which the links lead to us."""
        return bool(self.mail.host and self.api.public_url)

    @property
    def allowed_sources(self) -> tuple[str, ...]:
        """The `s3://bucket/prefix/` addresses below which the sources of bulk ingestion may lie."""
        given = tuple(prefix.strip().rstrip("/") + "/" for prefix in self.sources.allowed_prefixes.split(",") if prefix.strip())
        return given or (f"s3://{self.storage.bucket}/ingest/",)

    def may_be_source(self, bucket: str, key: str) -> bool:
        """Whether an object may be the source of any upload: below an allowed prefix, and not what an account has uploaded."""
        if any(segment in ("", ".", "..") for segment in key.replace("\\", "/").split("/")):
            return False  # some servers resolve such segments like a file system does, and the prefix would not hold
        address = f"s3://{bucket}/{key}"
        return address.startswith(self.allowed_sources) and not address.startswith(f"s3://{self.storage.bucket}/uploads/")


#: The sections by the word that their variables begin with.
SECTIONS: dict[str, type[msgspec.Struct]] = {
    field.name: field.type
    for field in msgspec.structs.fields(Settings)
    if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
}


#: What has no default, and how it looks.
_REQUIRED = {
    "DATABASE_URL": "postgresql://user:password@host:5432/valence",
    "KAFKA_BOOTSTRAP_SERVERS": "host:9092,host:9092",
}
_DATABASES = ("postgresql://", "postgres://")


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment holds; SettingsError names every variable that is missing or wrong."""
    if missing := [f"{name} (such as {example})" for name, example in _REQUIRED.items() if not environment.get(name)]:
        raise SettingsError(
            f"{' and '.join(missing)} must be set: a process is told where its servers are. `make up` or `valence local up` runs everything"
            " on this machine with all variables set; docs/settings.md lists them"
        )
    if not environment["DATABASE_URL"].startswith(_DATABASES):  # without its text, which has a password
        raise SettingsError(f"DATABASE_URL is no address of a PostgreSQL database: expected one such as {_REQUIRED['DATABASE_URL']}")
    return Settings(
        database_url=environment["DATABASE_URL"],
        kafka_bootstrap_servers=environment["KAFKA_BOOTSTRAP_SERVERS"],
        **{name: section(name, struct, environment) for name, struct in SECTIONS.items()},  # type: ignore[arg-type]  # each key has its own struct
    )


def variable_of(section_name: str, field: str) -> str:
    """The environment variable of a setting: `KAFKA_*` as the world knows it, `VALENCE_<SECTION>_<NAME>` otherwise."""
    return f"{'' if section_name == 'kafka' else 'VALENCE_'}{section_name}_{field}".upper()


def section(name: str, struct: type[Section], environment: Mapping[str, str] = os.environ) -> Section:
    """The settings of one section, for a process that needs no more; SettingsError names the variable that is wrong."""
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(struct):
        variable = variable_of(name, field.name)
        if (text := environment.get(variable)) is None:
            continue
        try:
            values[field.name] = msgspec.convert(text, field.type, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{variable} is {text!r}: {error}") from error
    return struct(**values)
