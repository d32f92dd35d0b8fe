# The aggregator with all that it needs, the Java parts too: nothing is fetched when it starts. linux/amd64.
#   docker build -t tracing-aggregator .
#   docker run -e KAFKATRACE_BOOTSTRAP_SERVERS=kafka:9092 -p 8080:8080 tracing-aggregator
# docs/deployment.md says more. To pin the base by its digest: --build-arg PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /opt/tracing-aggregator
ENV PATH=/opt/tracing-aggregator/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Dependencies first: this layer is made again only when they change. dumb-init passes signals on and collects the
# processes that a JVM leaves behind, as the first process of a container must.
COPY setup.py pyproject.toml README.md constraints.txt ./
COPY clients ./clients
RUN pip install --constraint constraints.txt dumb-init==1.2.5.post1 ./clients '.[clients,dashboard,otlp]'
COPY . .
RUN pip install --no-deps --force-reinstall . \
    && tracing-aggregator jars -o jars.cache=/opt/tracing-aggregator/jars

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="tracing-aggregator" \
      org.opencontainers.image.description="Message-level tracing for Apache Kafka" \
      org.opencontainers.image.licenses="Apache-2.0"
# Group 0 may write too: some platforms run an image as any user of that group.
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir /var/lib/tracing-aggregator tracing \
    && install --directory --owner=10001 --group=0 --mode=0770 /var/lib/tracing-aggregator
COPY --from=build /opt/tracing-aggregator /opt/tracing-aggregator
# A container is reached by its published ports alone, so that it may listen on all its addresses.
ENV PATH=/opt/tracing-aggregator/bin:$PATH \
    HOME=/var/lib/tracing-aggregator \
    PYTHONUNBUFFERED=1 \
    KAFKATRACE_STATE_DIR=/var/lib/tracing-aggregator \
    KAFKATRACE_JARS_CACHE=/opt/tracing-aggregator/jars \
    KAFKATRACE_METRICS_HOST=0.0.0.0
USER 10001
WORKDIR /var/lib/tracing-aggregator
VOLUME /var/lib/tracing-aggregator
# Metrics and health of `run`; the pages of `dashboard`.
EXPOSE 8080 8090
# For `run` and `metrics`; other commands want another check, or --no-healthcheck.
HEALTHCHECK --interval=15s --timeout=5s --start-period=180s --retries=4 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('KAFKATRACE_METRICS_PORT', '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["dumb-init", "--", "tracing-aggregator"]
CMD ["run"]
