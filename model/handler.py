"""The four functions of the SageMaker PyTorch contract: load, read a request, analyse, write the answer."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import msgspec

from media.pool import MediaPool
from media.ranges import MemoryRanges
from model.errors import BadRequest, NotAcceptable, UnsupportedContentType
from model.pipeline import Analyser, Pipeline, Video
from model.profiles import load_models
from model.settings import read_settings
from model.source import S3Object, s3_client
from schemas.analysis import Analysis
from schemas.jobs import InferenceJob

JSON = "application/json"
_ACCEPTED = frozenset({"", "*/*", "application/*", JSON})

_s3 = cache(s3_client)


def media_type(content_type: str | None) -> str:
    """A content type without its parameters, in lower case."""
    return (content_type or "").partition(";")[0].strip().lower()


def is_video(content_type: str | None) -> bool:
    """Whether a body of this type is taken as a video; what it really is, the media itself must show."""
    kind = media_type(content_type)
    return kind.startswith(("video/", "audio/")) or kind == "application/octet-stream"


def model_fn(model_dir: str, context: object = None) -> Pipeline:
    """Load the profile that `VALENCE_MODEL_PROFILE` names, with the weights of `model_dir`, and start its processes.

    Raises SettingsInvalid and what model.profiles.load_models raises; never loads another profile instead.
    """
    settings, limits = read_settings(os.environ)
    models = load_models(settings, Path(model_dir))
    media = MediaPool(limits.media(), size=settings.concurrent_videos)
    media.start()
    return Pipeline(profile=settings.profile, media=media, words=models.words, text=models.text, senses=models.senses)


def input_fn(body: bytes | str, content_type: str, context: object = None) -> Video:
    """Turn a request into a video to analyse: a JSON job that names an object in S3, or the video itself.

    Raises BadRequest for a job that is none, UnsupportedContentType for any other body.
    """
    if media_type(content_type) == JSON:
        return _named_by(body)
    if is_video(content_type) and isinstance(body, bytes):
        return Video(MemoryRanges(body))
    raise UnsupportedContentType(
        f"the content type {content_type!r} is not understood: "
        f"send a job as {JSON}, or a video as video/*, audio/* or application/octet-stream"
    )


def _named_by(body: bytes | str) -> Video:
    try:
        job = msgspec.json.decode(body, type=InferenceJob)
    except msgspec.DecodeError as error:
        raise BadRequest(f"the body is not a job: {error}; it must be the JSON of schemas.jobs.InferenceJob") from error
    source = S3Object(_s3(), job)
    return Video(source, job.options, source.sidecar, str(job.upload_id))


def predict_fn(data: Video, model: Analyser, context: object = None) -> Analysis:
    """Analyse the video; what goes wrong is a ModelError whose code says whose fault it is."""
    return model.analyse(data)


def output_fn(prediction: Analysis, accept: str, context: object = None) -> bytes:
    """The analysis as JSON; NotAcceptable when something else was asked for."""
    if not {media_type(part) for part in accept.split(",")} & _ACCEPTED:
        raise NotAcceptable(f"an analysis cannot be given as {accept!r}: ask for {JSON}")
    return msgspec.json.encode(prediction)
