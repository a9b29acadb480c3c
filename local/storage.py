"""The S3 server of the local stack: SeaweedFS, the same server as in docker-compose.yml."""

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from local.child import Child
from local.platforms import weed_program
from local.ports import HOST, Ports

#: Every port it would open, all chosen: two stacks must not meet.
_PORTS = ("master", "volume", "filer", "s3", "admin")
_HEALTH_KEY = ".health"
#: What docker-compose.yml sets too: no accounts of its own, no bucket that nobody made, and it calls nobody.
SETTINGS = ("-s3.iam=false", "-s3.autoCreateBucket=false", "-master.telemetry=false")


class Storage:
    """One S3 endpoint on a loopback port, with authentication on.

    Programs speak to it with the two keys of `environment`. An object that was acknowledged survives a SIGKILL.
    """

    name = "storage"

    def __init__(self, folder: Path, ports: Ports, bucket: str) -> None:
        self._folder = folder
        self._bucket = bucket
        self._ports = {f"{name}{kind}": ports.port(f"storage-{name}{kind}") for name in _PORTS for kind in ("", "-grpc")}

    @property
    def variables(self) -> dict[str, str]:
        """The standard variable by which boto3 finds the endpoint, and our bucket's name."""
        return {"AWS_ENDPOINT_URL_S3": f"http://{HOST}:{self._ports['s3']}", "VALENCE_STORAGE_BUCKET": self._bucket}

    def prepare(self, environment: Mapping[str, str]) -> Child:
        """Describe the process, which takes the two AWS keys of `environment` as its administrator's. Blocks."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # It writes its options there and prefers them to some of ours at the next start.
        (self._folder / "mini.options").unlink(missing_ok=True)
        self._remove_sockets()
        # Made when it is first asked: loading boto3 need not come before the server's own start.
        client = cache(lambda: _client(environment, self.variables["AWS_ENDPOINT_URL_S3"]))
        chosen = (f"-{name}.port{kind.replace('-', '.')}={self._ports[name + kind]}" for name in _PORTS for kind in ("", "-grpc"))
        # `mini` and not `server`: it is up, back after a kill and gone after SIGTERM several times sooner.
        settings = (
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
        )
        return Child(
            name=self.name,
            server=True,
            address=f"{HOST}:{self._ports['s3']}",
            argv=(
                str(weed_program()),
                "mini",
                f"-dir={self._folder}",
                f"-ip={HOST}",
                f"-ip.bind={HOST}",
                *chosen,
                *SETTINGS,
                *settings,
                "-volume.preStopSeconds=1",
            ),
            environment=environment,
            folder=self._folder,
            ready=lambda: asyncio.to_thread(self._stores, client),
            grace=5,
            stopped_cleanly=self._remove_sockets,
        )

    def _remove_sockets(self) -> None:
        """Remove the Unix sockets that it makes in /tmp for its ports and leaves there."""
        for port in self._ports.values():
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - its choice, not ours
                left.unlink()

    def _stores(self, connect: Callable[[], Any]) -> bool:
        """Whether our bucket takes an object. In its first seconds the server answers 500 while volumes grow."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = connect()
        try:
            if self._bucket not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
                client.create_bucket(Bucket=self._bucket)
            client.put_object(Bucket=self._bucket, Key=_HEALTH_KEY, Body=b"")
            client.delete_object(Bucket=self._bucket, Key=_HEALTH_KEY)
        except (BotoCoreError, ClientError):
            return False  # not yet; the server's own log says why
        return True


def _client(environment: Mapping[str, str], endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}),
    )
