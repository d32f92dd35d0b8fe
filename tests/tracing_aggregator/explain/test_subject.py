import pytest

from tracing_aggregator.explain.subject import Place, place_of, subject_of


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("orders/3/42", Place("orders", 3, 42)),
        ("a.b_c-d/0/0", Place("a.b_c-d", 0, 0)),
        ("e867aea9-2d24-41f1-abc8-cb5490fe1165", None),
        ("orders/3", None),
        ("orders/3/-1", None),
        ("a/b/3/42", None),
    ],
)
def test_a_position_is_told_from_a_correlation_id(text, place):
    assert subject_of(text)[:2] == (text, place)


@pytest.mark.parametrize("unknown", [{}, {"partition": -1, "offset": -1}, {"partition": 0, "offset": -1}])
def test_an_offset_that_is_not_known_is_no_position(unknown):
    assert place_of({"topic": "orders", **unknown}) is None
