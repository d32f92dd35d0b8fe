"""How many bytes of state a message takes once it is quiet."""

import zstandard

from bench.core_alone import CoreAlone
from bench.generate import MS, Traffic
from transforms.input.records import KafkaRecord
from transforms.state.addresses import JOIN, LOCATE
from transforms.state.journal import SNAPSHOT

MESSAGES = 8192
QUIET_MS = 600_000


def sizes(groups: int) -> tuple[float, float]:
    """Bytes a message in the snapshots of blocks, and in those of the shards; of the COMMITs one of 50 is there."""
    traffic = Traffic(MESSAGES, 1_700_000_000_000 * MS, 5 * MS, groups=groups)
    traces = [one for n, one in enumerate(traffic.traces()) if b'"COMMIT"' not in one.value or n % 50 == 0]
    raw = [KafkaRecord("_tracing", 0, n, one.date // MS, one.key, one.value) for n, one in enumerate(traces)]
    core = CoreAlone()
    core.run(raw, 2000)
    core.pass_time(raw[-1].timestamp + QUIET_MS)
    blocks = [segment for (kind, _), bag in core.bags.items() if kind == JOIN for segment in bag.segments]
    assert {segment.kind for segment in blocks} == {SNAPSHOT}
    shards = [core.open(kind, key)[0].view.snapshot() for kind, key in core.bags if kind == LOCATE]
    of_shards = sum(len(zstandard.compress(shard, 1)) for shard in shards)
    return sum(len(segment.content) for segment in blocks) / MESSAGES, of_shards / MESSAGES


def test_a_quiet_message_of_one_group_takes_less_than_150_bytes_and_each_further_group_less_than_60():
    block, shard = sizes(groups=1)
    assert block + shard < 150
    more, _ = sizes(groups=2)
    assert more - block < 60
