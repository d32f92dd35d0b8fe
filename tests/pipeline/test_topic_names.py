import pytest

from pipeline.topic_names import VALID_NAME, listed_topics, topic_pattern


@pytest.mark.parametrize(
    ("text", "topic", "expected"),
    [
        ("orders", "orders", True),
        ("orders, payments", "payments", True),
        ("orders.v1", "ordersXv1", False),
        ("orders.v1", "orders.v1", True),
        ("orders", "orders-dlq", False),
        (r"orders\..*", "orders.v1", True),
        ("orders|payments", "payments", True),
        ("orders.*", "my-orders", False),
    ],
)
def test_a_choice_of_topics_is_a_list_of_names_or_else_one_regular_expression_of_the_whole_name(text, topic, expected):
    pattern = topic_pattern(text)
    assert pattern is not None
    assert bool(pattern.fullmatch(topic)) == expected


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_text_chooses_nothing(text):
    assert topic_pattern(text) is None


def test_only_a_list_has_listed_topics():
    assert listed_topics("a, b.c ,d-e_f") == ["a", "b.c", "d-e_f"]
    assert listed_topics("a,b.*") == []


@pytest.mark.parametrize("name", [".", "..", "", "a b", "a/b", "é", "x" * 250])
def test_names_that_kafka_refuses_are_not_valid(name):
    assert not VALID_NAME.fullmatch(name)
