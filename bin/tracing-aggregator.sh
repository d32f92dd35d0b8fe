#!/usr/bin/env bash
# Starts the aggregator: bin/tracing-aggregator.sh config/config.properties [-o key=value …]
# The environment reaches the embedded JVM, so `java_option` can attach an agent or set the heap.
set -euo pipefail
home="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

command="$home/.venv/bin/tracing-aggregator"
[[ -x $command ]] || command="$(command -v tracing-aggregator)" || {
  echo "tracing-aggregator is not installed. Type: make -C '$home' venv" >&2
  exit 127
}
exec "$command" run "$@"
