"""For tests and benches: an object store on loopback that speaks S3, and what lies in it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from runners.ports import free_ports, listens

BUCKET = "state"
START_S = 60
POLL_S = 0.1
SECRET = "never-to-be-seen-0123456789abcdef"


class ObjectStore:
    """moto's server with one bucket, in a process of its own; a context manager."""

    def __init__(self, log: Path) -> None:
        [self.port] = free_ports(1)
        self._log = log

    @property
    def address(self) -> str:
        """Where it answers."""
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
        """Starts it and makes the bucket."""
        line = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(line, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not listens(self.port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError(f"The store does not answer:\n{self._log.read_text()}")
            time.sleep(POLL_S)
        self.client().create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": self.environ["AWS_DEFAULT_REGION"]}
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It takes connections and does not answer, for the length of the block."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def client(self) -> Any:
        """A client of boto3 for it."""
        import boto3  # type: ignore[import-untyped]

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
