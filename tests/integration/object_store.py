"""For tests: an object store on loopback that speaks S3, and what lies in it."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from runners.ports import free_ports, listens
from tests.integration.flink_processes import wait_until

BUCKET = "state"
SECRET = "never-to-be-seen-0123456789abcdef"


class ObjectStore:
    """moto's server with one bucket, in a process of its own; a context manager."""

    def __init__(self, log: Path) -> None:
        [self.port] = free_ports(1)
        self._log = log

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def flink(self) -> dict[str, str]:
        """What Flink's configuration says of it: no login."""
        return {"s3.endpoint": self.address, "s3.path.style.access": "true"}

    @property
    def environ(self) -> dict[str, str]:
        """What the AWS SDKs of Python and Java look up."""
        return {
            "AWS_ACCESS_KEY_ID": "flink",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": self.address,
            "AWS_DEFAULT_REGION": "eu-central-1",
        }

    def __enter__(self) -> Self:
        line = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(line, stdout=log, stderr=log)
        wait_until(lambda: listens(self.port), 60, self._log.read_text)
        self.client().create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": self.environ["AWS_DEFAULT_REGION"]}
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.address,
            aws_access_key_id="flink",
            aws_secret_access_key=SECRET,
            region_name=self.environ["AWS_DEFAULT_REGION"],
        )

    def objects(self) -> dict[str, bytes]:
        """All that lies in the bucket, by key."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return {key: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}
