import json
from itertools import islice

import pytest

from tracing_aggregator.traffic.plan import SHOPS, Fault, Times, Wanted, orders


def test_the_same_seed_gives_the_same_orders_and_another_one_others():
    wanted = Wanted(rate=100, seconds=5, loss=0.1, duplicate=0.1)
    assert list(orders(wanted)) == list(orders(wanted))
    assert list(orders(wanted)) != list(orders(wanted._replace(seed=1)))


def test_orders_come_at_the_rate_in_order_and_within_the_time():
    planned = list(orders(Wanted(rate=200, seconds=50)))
    assert len(planned) == pytest.approx(200 * 50, rel=0.05)
    assert [order.at_s for order in planned] == sorted(order.at_s for order in planned)
    assert planned[-1].at_s < 50


def test_without_seconds_orders_never_end():
    assert len(list(islice(orders(Wanted(rate=1000)), 5000))) == 5000


def test_without_faults_there_are_none():
    assert {order.fault for order in orders(Wanted(rate=100, seconds=20))} == {Fault.NONE}


def test_faults_have_their_share():
    planned = list(orders(Wanted(rate=500, seconds=40, loss=0.1, duplicate=0.3)))
    shares = {fault: sum(order.fault is fault for order in planned) / len(planned) for fault in Fault}
    assert shares == pytest.approx({Fault.NONE: 0.6, Fault.LOST: 0.1, Fault.DUPLICATE: 0.3}, abs=0.02)


def test_every_shop_sells_and_each_order_says_what():
    planned = list(orders(Wanted(rate=100, seconds=10)))
    assert {order.shop for order in planned} == SHOPS.keys()
    assert [json.loads(order.value)["order"] for order in planned] == list(range(1, len(planned) + 1))


def test_times_come_after_half_a_period_and_then_once_in_each():
    times = Times(10, now_s=100)
    assert [now for now in range(100, 130) if times.is_due(now)] == [105, 115, 125]


def test_what_has_no_period_never_comes():
    assert not Times(None, now_s=0).is_due(10**9)
