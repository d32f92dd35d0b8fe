"""Batches: many traces or records as one element, since each element costs a step, a coder and a runner.

Beam asks for the size of the first ten elements of every bundle, of every collection. An element without a coder of its
own is pickled for that: a tenth of all CPU time. These say about how large they are.
"""

import pickle
from typing import Any

from apache_beam.coders import Coder, registry

from transforms.input.records import HeaderLink, KeyValue
from transforms.input.traces import Trace

_BYTES_PER_ITEM = 250


class Traces(list[Trace]):
    """Traces of any topics and partitions, in order."""


class Links(list[HeaderLink]):
    """Header links of any topics and partitions, in order."""


class Records(list[KeyValue]):
    """Records for one topic, in order."""


class _BatchCoder(Coder):
    """Runners fuse the steps that hand batches on, so that hardly any batch is ever encoded."""

    def encode(self, value: Any) -> bytes:
        """The bytes of a batch."""
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)

    def decode(self, encoded: bytes) -> Any:
        """The batch in these bytes, which this pipeline has written."""
        return pickle.loads(encoded)  # noqa: S301

    def estimate_size(self, value: Any) -> int:
        """About so many bytes."""
        return _BYTES_PER_ITEM * len(value)

    def is_deterministic(self) -> bool:
        """Nothing is keyed by a batch."""
        return False


def typed(outputs: Any, **kinds: type) -> Any:
    """The outputs of a step, those with these names of these types: Beam takes all outputs of several for anything."""
    for name, kind in kinds.items():
        outputs[name].element_type = kind
    return outputs


for _kind in (Traces, Links, Records):
    registry.register_coder(_kind, _BatchCoder)
