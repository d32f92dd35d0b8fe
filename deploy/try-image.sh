#!/usr/bin/env bash
# Builds the image and starts it against a real broker, without Docker: make image-check. Debian, as root, some minutes:
#   apt-get install buildah debootstrap
# Its base is a fresh Debian 12 with Python 3.11 unless PYTHON_IMAGE names an image that buildah has or can pull.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python="$PWD/.venv/bin/python"
[[ -x $python ]] || python=python3
work="$(mktemp -d)"
image=localhost/tracing-aggregator
container=""
children=()
settings=()
store=(buildah --storage-driver vfs)

finish() {
  # What runs in the image outlives buildah.
  [[ -z $container ]] || inside tracing-aggregator stop >/dev/null 2>&1 || true
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait
  [[ -z $container ]] || "${store[@]}" rm "$container" >/dev/null
  rm -rf "$work"
}
trap finish EXIT

say() { echo "── $*" >&2; }

port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# A command in the image, as its user and with its environment, in this machine's network.
inside() { "${store[@]}" run --isolation chroot --hostname localhost "${settings[@]}" "$container" -- dumb-init -- "$@"; }

if [[ -z ${PYTHON_IMAGE:-} ]]; then
  PYTHON_IMAGE=localhost/tracing-aggregator-base
  if ! "${store[@]}" inspect --type image "$PYTHON_IMAGE" >/dev/null 2>&1; then
    say "Debian 12 with Python 3.11, as the base"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/root" >"$work/debootstrap.log"
    tar -C "$work/root" -cf "$work/root.tar" .
    printf 'FROM scratch\nADD root.tar /\n' >"$work/Containerfile"
    "${store[@]}" bud --isolation chroot --quiet --tag "$PYTHON_IMAGE" --file "$work/Containerfile" "$work" >/dev/null
  fi
fi

say "The image"
# Whom this machine trusts, where OpenSSL looks first: the base keeps its own certificates, which Debian's Java sets up.
mounts=(--volume /etc/ssl/certs/ca-certificates.crt:/usr/lib/ssl/cert.pem:ro)
printf '[global]\ncert = /usr/lib/ssl/cert.pem\n' >"$work/pip.conf"
mounts+=(--volume "$work/pip.conf:/etc/pip.conf:ro")
"${store[@]}" bud --isolation chroot --format docker --build-arg "PYTHON_IMAGE=$PYTHON_IMAGE" "${mounts[@]}" --tag "$image" .

say "A broker"
broker="$(port)"
PYTHONPATH="$PWD:$PWD/clients" "$python" -m tracing_aggregator.cli.main broker --port "$broker" --data "$work/broker" &
children+=("$!")
for _ in $(seq 60); do
  (exec 3<>"/dev/tcp/127.0.0.1/$broker") 2>/dev/null && break
  sleep 1
done

container="$("${store[@]}" from --pull-never "$image:latest")"
metrics="$(port)"
install --directory --owner=10001 --group=0 "$work/state"
settings=(
  --volume "$work/state:/var/lib/tracing-aggregator"
  --env "KAFKATRACE_BOOTSTRAP_SERVERS=127.0.0.1:$broker"
  --env "KAFKATRACE_METRICS_PORT=$metrics"
)
say "topics, as $(inside id)"
inside tracing-aggregator topics
say "run, with nothing but KAFKATRACE_BOOTSTRAP_SERVERS and a port that is free"
inside tracing-aggregator run &
aggregator="$!"
children+=("$aggregator")
for _ in $(seq 180); do
  curl --silent --fail "http://127.0.0.1:$metrics/readyz" && break
  kill -0 "$aggregator"
  sleep 1
done
say "traffic"
inside tracing-aggregator traffic --rate 20 --seconds 10
sleep 15
say "the health check of the image"
inside python3 -m tracing_aggregator.metrics.probe
curl --silent --fail "http://127.0.0.1:$metrics/metrics" | grep -E '^kafka_trace_produced_messages_total.* [1-9]'
say "stop: SIGTERM, a savepoint, and the end"
inside tracing-aggregator stop
wait "$aggregator"
say "The image works."
