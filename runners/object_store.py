"""Snapshots in an object store: which is the newest of a job, when Flink no longer knows."""

import re
from typing import Any

from pipeline.errors import UserError
from runners.flink.savepoints import METADATA

_PLACE = re.compile(r"s3a?://(?P<bucket>[^/]+)/?(?P<prefix>.*?)/*$")


def is_in_s3(place: str) -> bool:
    """Whether a URI names something in an object store."""
    return _PLACE.match(place) is not None


def newest_checkpoint(checkpoints: str, job: str) -> str:
    """The URI of the newest complete checkpoint of a job below `checkpoints`, an `s3://` URI; empty: there is none.

    Login, region and address of the store are those of the AWS SDK: variables, files or the role of the machine.
    Raises `UserError` when the store does not say, or we have no client for it.
    """
    found = _PLACE.match(checkpoints)
    if found is None:
        return ""
    home = "/".join(filter(None, (found["prefix"], job, "chk-")))
    complete = re.compile(re.escape(home) + rf"(\d+)/{METADATA}")
    numbers = [int(match[1]) for key in _keys(found["bucket"], home) if (match := complete.fullmatch(key))]
    return f"{checkpoints.rstrip('/')}/{job}/chk-{max(numbers)}" if numbers else ""


def _keys(bucket: str, prefix: str) -> list[str]:
    try:
        import boto3  # type: ignore[import-untyped]
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
    except ImportError as error:
        raise UserError(
            f"Whether there are checkpoints in s3://{bucket} cannot be seen from here: boto3 is not installed.",
            "Install the extra: pip install 'tracing-aggregator[s3]'; or name a snapshot with --from-savepoint.",
        ) from error
    try:
        client: Any = boto3.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            f"s3://{bucket} does not say which checkpoints there are: {error}.",
            "Give this machine what the AWS SDK reads (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, a role, …), "
            "or name a snapshot with --from-savepoint.",
        ) from error
