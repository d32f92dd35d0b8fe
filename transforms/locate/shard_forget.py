"""ShardForget: lets go of what is past retention in a shard, and of the oldest when it holds too much."""

from collections.abc import Callable, Iterable, Iterator

from transforms.findings.findings import EVICTED, UNLINKED, finding
from transforms.input.dates import NANOS_PER_MILLI
from transforms.input.records import SEND
from transforms.locate.send_facts import CorrelatedSends, Name
from transforms.locate.send_pairing import pair
from transforms.locate.shard_sends import ShardSends
from transforms.state.addresses import LOCATE
from transforms.state.view import Outputs
from transforms.state.waits import Waits

#: A correlationId with more facts than this in one topic names no message; its facts are given up.
MAX_FACTS = 512


class ShardForget:
    """See the head of this file. `is_read` says of which topics the headers are read."""

    def __init__(
        self,
        sends: ShardSends,
        shard: str,
        waits: Waits,
        limit: int,
        cluster: str | None,
        is_read: Callable[[str], bool] | None,
    ) -> None:
        self._sends = sends
        self._shard = shard
        self._waits = waits
        self._limit = limit
        self._cluster = cluster
        self._is_read = is_read

    def expire(self, now: int, out: Outputs) -> Iterator[Name]:
        """Forget what is past retention at `now` (ms); a SEND that never had a position or an answer is `unlinked`."""
        for name, known in self._sends.expire(now - self._waits.retention):
            self._find_unlinked(name, known, out)
            yield name

    def evict(self, changed: Iterable[Name], give_up: Callable[[Name], int], out: Outputs) -> list[Name]:
        """Give up what is too much: of one name, and then of the shard; the names that are gone."""
        sends = self._sends
        names = [name for name in changed if name in sends.objects and sends.objects[name].facts() > MAX_FACTS]
        if sends.facts() > self._limit:
            target = self._limit * 9 // 10
            self._evict_cold(target, out)
            excess = sends.facts() - target
            for name in sends.names():
                if excess <= 0:
                    break
                names.append(name)
                excess -= (sends.plain.get(name) or sends.objects[name]).facts()
        names = list(dict.fromkeys(names))
        for topic, correlation_id in names:
            name = topic, correlation_id
            last = (sends.plain.get(name) or sends.objects[name]).last
            count = give_up(name)
            out.counts["evicted"] += count
            found = finding(
                EVICTED, f"{topic}:{correlation_id}:{last}", None, topic=topic, correlationId=correlation_id,
                count=count, cluster=self._cluster,
            )  # fmt: skip
            out.findings.append(found)
        if names:
            sends.clear_looks()
        return names

    def _evict_cold(self, limit: int, out: Outputs) -> None:
        """Give up cold ones, the oldest first, until no more facts than this are held."""
        count, last = 0, -1
        while self._sends.cold.weight() and self._sends.facts() > limit:
            for known in self._sends.drop_oldest():
                count, last = count + known.facts(), max(last, known.last)
        if count:
            out.counts["evicted"] += count
            subject = f"{LOCATE}:{self._shard}:{last}"
            out.findings.append(finding(EVICTED, subject, None, count=count, cluster=self._cluster))

    def _find_unlinked(self, name: Name, known: CorrelatedSends, out: Outputs) -> None:
        placed, answered = pair(known)
        topic, correlation_id = name
        in_log = False if self._is_read is not None and self._is_read(topic) else None
        for send in known.sends:
            if send.id not in placed and send.id not in answered:
                out.findings.append(
                    finding(
                        UNLINKED, send.id, send.timestamp + self._waits.retention, type=SEND, topic=topic,
                        correlationId=correlation_id, clientId=send.client_id, date=send.date,
                        produced=send.nanos // NANOS_PER_MILLI, inLog=in_log, cluster=self._cluster,
                    )
                )  # fmt: skip
