# The aggregator with all that it needs, the Java parts too: nothing is fetched when it starts.
#   docker build -t tracing-aggregator .
#   docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/tracing-aggregator --sbom=true --push .
#   docker run -e KAFKATRACE_BOOTSTRAP_SERVERS=kafka:9092 -p 8080:8080 tracing-aggregator
# docs/deployment.md says more, and how the base is refreshed. By its digest: --build-arg PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /opt/tracing-aggregator
ENV PATH=/opt/tracing-aggregator/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Dependencies first: this layer is made again only when they change. Each is one that we were tested with, by its hash.
# dumb-init is among them: it passes signals on, and collects the processes that a JVM leaves behind, as the first process
# of a container must.
COPY requirements.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements.lock
COPY . .
# With what the lock has, setuptools too: nothing else is fetched. Only the jars of the aggregator, not those of the
# broker and of the demo.
RUN pip install --no-deps --no-build-isolation ./clients . \
    && tracing-aggregator jars -o jars.cache=/opt/tracing-aggregator/jars

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="tracing-aggregator" \
      org.opencontainers.image.description="Message-level tracing for Apache Kafka" \
      org.opencontainers.image.licenses="Apache-2.0"
# Java of the distribution, with its security updates, for each platform. The version is the one that it has now.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s "$(dirname "$(dirname "$(readlink -f /usr/bin/java)")")" /opt/java
# Group 0 may write too: some platforms run an image as any user of that group.
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir /var/lib/tracing-aggregator tracing \
    && install --directory --owner=10001 --group=0 --mode=0770 /var/lib/tracing-aggregator
COPY --from=build /opt/tracing-aggregator /opt/tracing-aggregator
COPY LICENSE NOTICE THIRD-PARTY.md /usr/share/doc/tracing-aggregator/
# A container is reached by its published ports alone, so that it may listen on all its addresses.
ENV PATH=/opt/tracing-aggregator/bin:$PATH \
    HOME=/var/lib/tracing-aggregator \
    JAVA_HOME=/opt/java \
    PYTHONUNBUFFERED=1 \
    KAFKATRACE_STATE_DIR=/var/lib/tracing-aggregator \
    KAFKATRACE_JARS_CACHE=/opt/tracing-aggregator/jars \
    KAFKATRACE_LOG_CONSOLE=true \
    KAFKATRACE_METRICS_HOST=0.0.0.0
USER 10001
WORKDIR /var/lib/tracing-aggregator
VOLUME /var/lib/tracing-aggregator
# Metrics and health of `run`; the pages of `dashboard`.
EXPOSE 8080 8090
# For `run` and `metrics`; other commands want another check, or --no-healthcheck.
HEALTHCHECK --interval=15s --timeout=5s --start-period=180s --retries=4 \
    CMD ["python3", "-m", "tracing_aggregator.metrics.probe"]
ENTRYPOINT ["dumb-init", "--", "tracing-aggregator"]
CMD ["run"]
