"""Where a partition begins and ends, while its leader moves."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline.errors import UserError
from runners.kafka.positions import bounds


class _Moving:
    """A consumer whose brokers do not know the leader for the first `refusals` questions."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    def get_watermark_offsets(self, place, timeout):
        assert timeout > 0
        if self.refusals:
            self.refusals -= 1
            raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
        return place.partition, 7


def test_a_leader_on_the_move_is_waited_for():
    assert bounds(_Moving(1), "orders", 2) == (2, 7)


def test_a_leader_that_does_not_come_is_told_with_what_to_do():
    with pytest.raises(UserError, match=r"The offsets of orders/2 cannot be read: .*leader") as refused:
        bounds(_Moving(99), "orders", 2, patience_s=0)
    assert "tracing-aggregator check" in str(refused.value)
