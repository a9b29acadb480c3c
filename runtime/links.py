"""Addresses at S3 that carry their own permission, for one thing and for a while: so that bytes need not pass through the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from runtime import aws

#: How long a part may be sent to its address.
PART_SECONDS = 900
#: How long a player may read from its address: a long video, watched with pauses.
PLAY_SECONDS = 6 * 3600
#: What a browser may be told to play in place; everything else is a download, so that no stored page ever runs under S3's name.
_PLAYABLE = ("audio/", "video/")


class S3Links:
    """Signs addresses at `public_url`, or at the endpoint that boto3 knows. Asks nobody: S3 checks the signature when one is used."""

    def __init__(self, public_url: str = "", client: Any = None) -> None:
        self._client = client or aws.signing_client("s3", public_url)

    @property
    def url(self) -> str:
        """S3's address, as these links begin."""
        return str(self._client.meta.endpoint_url)

    def put_part(self, bucket: str, key: str, multipart_id: str, number: int, size: int | None) -> str:
        """Where to PUT one part, of exactly `size` bytes if that is given: S3 refuses any other Content-Length."""
        named: dict[str, Any] = {"Bucket": bucket, "Key": key, "UploadId": multipart_id, "PartNumber": number}
        if size is not None:
            named["ContentLength"] = size
        return str(self._client.generate_presigned_url("upload_part", Params=named, ExpiresIn=PART_SECONDS))

    def get(self, bucket: str, key: str, content_type: str | None, file_name: str | None) -> str:
        """Where to GET an object, whole or by ranges, as what it was declared to be if that is sound or video."""
        plays = content_type is not None and content_type.startswith(_PLAYABLE)
        disposition = f"{'inline' if plays else 'attachment'}; filename*=UTF-8''{quote(file_name or 'video', safe='')}"
        named = {
            "Bucket": bucket,
            "Key": key,
            "ResponseContentType": content_type if plays else "application/octet-stream",
            "ResponseContentDisposition": disposition,
        }
        return str(self._client.generate_presigned_url("get_object", Params=named, ExpiresIn=PLAY_SECONDS))
