"""`valence ingest SOURCE`: every video of an S3 prefix or of a folder, announced on the topic that starts the chain."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import click
from botocore.exceptions import ClientError
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from api import accounts as records
from cli.accounts import ask
from cli.consoles import progress_output
from cli.exits import CommandFailed, Misused
from cli.servers import data_option, local_account, servers
from cli.wording import printable
from local.data_folder import cache_folder
from producers import bulk, bulk_folder
from producers.bulk import Counts
from producers.bulk_folder import LocalFile
from producers.bulk_journal import Journal
from runtime.kafka import KafkaPublisher
from runtime.multipart import MIB, S3Writers
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas.events import Source
from schemas.jobs import AnalysisOptions

_SCHEME = "s3://"


@click.command()
@click.argument("source", metavar="s3://BUCKET/PREFIX|FOLDER")
@click.option(
    "--account", type=click.UUID, envvar="VALENCE_ACCOUNT_ID", show_envvar=True, help="Whose they are; else the local stack's account."
)
@click.option("--all", "every", is_flag=True, help="Also files whose names do not end like those of video or sound.")
@click.option("--captions", is_flag=True, help="Take the words from caption tracks where there are any.")
@data_option
def ingest(source: str, account: UUID | None, every: bool, captions: bool, data: Path | None) -> None:
    """Have every video of an S3 prefix or of a folder analysed.

    \b
      valence ingest s3://archive/interviews/ --account 0199c0de-...
      valence ingest recordings/

    Objects stay where they are; a folder's files are copied to the bucket of Valence first, except those that are there. An interrupted run
    goes on where it stopped when it is started again, and nothing is analysed twice.
    """
    owner = account or local_account(data)
    if owner is None:
        raise Misused("there is no account to ingest for: give its id with --account; `valence accounts list` prints it")
    ask(data, lambda database: records.check(database, owner))
    options = AnalysisOptions(captions=captions)
    try:
        with servers(data) as settings:
            counts = asyncio.run(_ingest(settings, source, owner, every, options))
    except ClientError as error:
        raise CommandFailed(f"S3 refuses: {error}; `valence storage create` makes the bucket of Valence") from error
    found = counts.published + counts.resumed
    if not found:
        what = "files" if every else "video or sound files; --all takes the others too"
        raise CommandFailed(f"nothing to ingest: {source} has no {what}")
    click.echo(f"{counts.published} announced, {counts.resumed} were announced before: `valence watch` follows them")


async def _ingest(settings: Settings, source: str, account: UUID, every: bool, options: AnalysisOptions) -> Counts:
    publisher = KafkaPublisher(settings.kafka_bootstrap_servers)
    try:
        with Journal(_journal_path(settings, source, account)) as journal, _progress() as progress:
            if source.startswith(_SCHEME):
                sources, total = await _in_bucket(settings, source, every)
            else:
                sources, total = _in_folder(settings, Path(source), account, every, progress)
            bar = progress.add_task("announced", total=total)

            def announced(counts: Counts) -> None:
                progress.update(bar, completed=counts.published + counts.resumed)

            # A file that was copied is announced at once; objects that are there already, many at a time.
            size = bulk.BATCH if source.startswith(_SCHEME) else 1
            return await bulk.announce(sources, account, publisher, journal, announced, options=options, batch_size=size)
    finally:
        await publisher.close()


async def _in_bucket(settings: Settings, address: str, every: bool) -> tuple[AsyncIterator[Source], int]:
    bucket, _, prefix = address.removeprefix(_SCHEME).partition("/")
    if not bucket:
        raise Misused(f"{address} names no bucket: give an address of the form s3://bucket/prefix")
    if not address.startswith(settings.allowed_sources):
        allowed = ", ".join(settings.allowed_sources)
        warning = f"{address} is not below {allowed}: validation rejects it, unless VALENCE_SOURCES_ALLOWED_PREFIXES is set otherwise there"
        click.echo(f"valence: warning: {warning}", err=True)
    storage, total = S3Storage(), 0
    async for _ in bulk.in_bucket(storage, bucket, prefix, every=every):
        total += 1
    return bulk.in_bucket(storage, bucket, prefix, every=every), total


def _in_folder(settings: Settings, folder: Path, account: UUID, every: bool, progress: Progress) -> tuple[AsyncIterator[Source], int]:
    if not folder.is_dir():
        raise Misused(f"{folder} is no folder: give a folder, or an address of the form s3://bucket/prefix")
    found = bulk_folder.files_in(folder, account, every=every)
    files = [file for file in found if file.has_valid_key]
    for file in found:
        if not file.has_valid_key:
            click.echo(f"valence: left out, since S3 allows no such name: {printable(str(file.path))}", err=True)
    bar = progress.add_task("copied, MiB", total=sum(file.bytes for file in files) / MIB)

    def copied(_: LocalFile, count: int) -> None:
        progress.update(bar, advance=count / MIB)

    return bulk_folder.copied(files, settings.storage.bucket, S3Storage(), S3Writers(), copied), len(files)


def _journal_path(settings: Settings, source: str, account: UUID) -> Path:
    """A journal for each source, account and broker: another broker knows nothing of what this one has."""
    where = source if source.startswith(_SCHEME) else str(Path(source).resolve())
    name = hashlib.sha256(f"{settings.kafka_bootstrap_servers} {account} {where}".encode()).hexdigest()[:32]
    return cache_folder() / "ingested" / f"{name}.journal"


def _progress() -> Progress:
    console = progress_output()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f}"), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
