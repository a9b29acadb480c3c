"""`valence sagemaker train`: `valence model train` as a job of SageMaker."""

from __future__ import annotations

import click

from cli.exits import Misused


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("dataset", metavar="S3_FOLDER")
@click.argument("arguments", nargs=-1, metavar="[-- OPTIONS]")
@click.option("--role", required=True, metavar="ARN", help="The role that the training works under: deploy/iam/training.json.")
@click.option("--name", default="valence-training", show_default=True, help="Jobs of one name share checkpoints: a later one goes on.")
@click.option("--instance-type", default="ml.g4dn.xlarge", show_default=True, help="What it trains on.")
@click.option("--spot/--on-demand", default=True, show_default=True, help="Spot instances cost less and may be taken away meanwhile.")
@click.option("--most-hours", type=click.FloatRange(0, 120, min_open=True), default=12.0, show_default=True, help="It is stopped then.")
def train(dataset: str, arguments: tuple[str, ...], role: str, name: str, instance_type: str, spot: bool, most_hours: float) -> None:
    """Train voice, face and fusion on SageMaker, on a folder of S3 in MELD's form. Ends when the job is accepted.

    What follows `--` goes to `valence model train` as it is.

    \b
      valence sagemaker train s3://videos/meld --role ARN -- --epochs 12
    """
    if not dataset.startswith("s3://"):
        raise Misused(f"{dataset!r} is no folder of S3: give s3://bucket/folder, with the data set in MELD's form in it")
    from deployment import training
    from deployment.calls import Aws
    from runtime.settings import Storage, section

    order = training.Order(
        name=name,
        bucket=section("storage", Storage).bucket,
        role=role,
        dataset=dataset,
        instance_type=instance_type,
        spot=spot,
        most_hours=most_hours,
        arguments=arguments,
    )
    job = training.start(Aws(), order)
    click.echo(
        f"job {job} is accepted; its log and its metrics are in CloudWatch, the model will be in s3://{order.bucket}/training/{job}/"
    )
