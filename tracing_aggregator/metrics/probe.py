"""The health check of the image: `python3 -m tracing_aggregator.metrics.probe` ends with 0 if `/healthz` is content.

It knows port and TLS from the variables that `run` has them from, and imports nothing slow: it runs every 15 s.
"""

import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

_TIMEOUT_S = 4


def is_well(environ: Mapping[str, str]) -> bool:
    """What the server of metrics in the same container says. Its certificate is for other names than ours."""
    port = environ.get("KAFKATRACE_METRICS_PORT", "8080")
    scheme, context = "http", None
    if environ.get("KAFKATRACE_METRICS_TLS_CERT_FILE"):
        scheme, context = "https", ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = f"{scheme}://127.0.0.1:{port}/healthz"
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S, context=context):  # noqa: S310  no other scheme
            return True
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(not is_well(os.environ))
