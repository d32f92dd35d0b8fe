import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from pipeline.errors import UserError
from runners.object_store import is_in_s3, newest_checkpoint

JOB, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def bucket(monkeypatch) -> Iterator[Any]:
    """A bucket in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "anything")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        made = boto3.resource("s3").Bucket("state")
        made.create()
        yield made


def test_the_newest_checkpoint_is_the_highest_number_that_is_complete(bucket):
    for key in (f"{JOB}/chk-9/_metadata", f"{JOB}/chk-10/_metadata", f"{JOB}/chk-11/part", f"{OTHER}/chk-12/_metadata"):
        bucket.put_object(Key=f"all/checkpoints/{key}", Body=b"x")
    assert newest_checkpoint("s3://state/all/checkpoints/", JOB) == f"s3://state/all/checkpoints/{JOB}/chk-10"


def test_checkpoints_may_lie_in_the_bucket_itself(bucket):
    bucket.put_object(Key=f"{JOB}/chk-1/_metadata", Body=b"x")
    assert newest_checkpoint("s3a://state", JOB) == f"s3a://state/{JOB}/chk-1"


def test_a_job_without_a_checkpoint_has_none(bucket):
    bucket.put_object(Key=f"{OTHER}/chk-1/_metadata", Body=b"x")
    assert newest_checkpoint("s3://state", JOB) == ""


def test_a_store_that_does_not_answer_is_not_taken_for_an_empty_one(bucket):
    with pytest.raises(UserError, match="s3://another does not say which checkpoints there are"):
        newest_checkpoint("s3://another/checkpoints", JOB)


def test_without_a_client_for_it_that_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(UserError, match=r"tracing-aggregator\[s3\]"):
        newest_checkpoint("s3://state", JOB)


def test_other_places_are_none_of_an_object_store():
    assert is_in_s3("s3://state/checkpoints")
    assert not is_in_s3("file:///state/checkpoints")
    assert not is_in_s3("")
