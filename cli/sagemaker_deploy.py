"""`valence sagemaker deploy` and `undeploy`: the endpoint on AWS, made and removed by the difference to what is there."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from cli.exits import CommandFailed, Exit, Misused
from deployment import deploy as plans
from deployment import images, package
from deployment.calls import Aws
from deployment.endpoint import Patience
from deployment.errors import EndpointSlow
from deployment.plan import Change, carry_out
from deployment.wanted import Place, Wanted, place
from model.profiles import BUNDLED

_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Only print what would be done. Nothing is written.")


class _TimedOut(CommandFailed):
    code = Exit.TIMED_OUT


@click.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--role", required=True, metavar="ARN", help="The role that the endpoint works under: deploy/iam/endpoint.json.")
@click.option("--image", metavar="ADDRESS", help="The image of Valence in ECR, built from deploy/model.Dockerfile.")
@click.option("--ready-made", is_flag=True, help="AWS's PyTorch image instead, which installs the archive's requirements at each start.")
@click.option("--instance-type", default="ml.c5.2xlarge", show_default=True, help="What the model runs on.")
@click.option(
    "--most-instances", type=click.IntRange(1, 1_000), default=2, show_default=True, help="How many there may be; the fewest is 0."
)
@click.option("--concurrent-videos", type=click.IntRange(1, 1_000), default=2, show_default=True, help="Videos at once on each instance.")
@click.option("--environment", multiple=True, metavar="NAME=VALUE", help="A variable more for the container; may be given often.")
@_DRY_RUN
def deploy(
    archive: Path,
    role: str,
    image: str | None,
    ready_made: bool,
    instance_type: str,
    most_instances: int,
    concurrent_videos: int,
    environment: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Put an archive on an asynchronous endpoint that scales to zero, with its topics, its queue's policy and its scaling.

    A second run changes only what differs. The endpoint, the bucket and the queue are named by VALENCE_INFERENCE_ENDPOINT_NAME,
    VALENCE_STORAGE_BUCKET and VALENCE_NOTICES_QUEUE_NAME.
    """
    if (image is None) is not ready_made:
        raise Misused("say which image: --image ADDRESS for the one of Valence, or --ready-made for AWS's, and not both")
    packed = _checked(archive)
    if ready_made and packed.manifest.profile != BUNDLED:
        raise Misused(
            f"the profile {packed.manifest.profile!r} needs a newer torch than the ready-made image has: use an --image of Valence"
        )
    aws = Aws()
    wanted = Wanted(
        place=place(aws),
        package=packed,
        image=image or images.ready_made("inference", aws.region, instance_type),
        ready_made=ready_made,
        role=role,
        instance_type=instance_type,
        most_instances=most_instances,
        concurrent_videos=concurrent_videos,
        environment=_variables(environment),
    )
    _say(wanted.place)
    _carry_out(plans.deployment(aws, wanted, Patience(click.echo)), dry_run, "everything is as it should be")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@_DRY_RUN
def undeploy(yes: bool, dry_run: bool) -> None:
    """Remove the endpoint and everything that `deploy` made for it. The bucket, its archives, the queue and the roles stay."""
    aws = Aws()
    where = place(aws)
    _say(where)
    changes = plans.removal(aws, where, Patience(click.echo))
    if changes and not yes and not dry_run:
        for change in changes:
            click.echo(str(change))
        click.confirm("Remove all this?", abort=True, err=True)
    _carry_out(changes, dry_run, "nothing of it is there")


def _checked(archive: Path) -> package.Package:
    """The archive, after it was unpacked and found to be what it says: a broken one would cost an hour on AWS."""
    with tempfile.TemporaryDirectory(prefix="valence-archive-") as folder:
        manifest = package.unpack(archive, Path(folder))
    return package.Package(archive, package.sha256(archive), manifest)


def _variables(given: Iterable[str]) -> dict[str, str]:
    variables = {}
    for text in given:
        found = _VARIABLE.fullmatch(text)
        if not found:
            raise Misused(f"--environment {text!r} is not NAME=VALUE")
        variables[found[1]] = found[2]
    return variables


def _say(where: Place) -> None:
    click.echo(f"endpoint {where.endpoint}, account {where.account}, region {where.region}", err=True)


def _carry_out(changes: list[Change], dry_run: bool, nothing: str) -> None:
    if not changes:
        click.echo(nothing)
    elif dry_run:
        for change in changes:
            click.echo(str(change))
        click.echo(f"{len(changes)} change{'' if len(changes) == 1 else 's'}; nothing was written", err=True)
    else:
        try:
            carry_out(changes, click.echo)
        except EndpointSlow as slow:
            raise _TimedOut(str(slow)) from slow
