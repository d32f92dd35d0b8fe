import numpy as np

from transforms.observe.columns import Columns


def numbers(columns: Columns) -> list[tuple[int, int]]:
    return list(zip(columns.of(0).tolist(), columns.of(1).tolist(), strict=True))


def filled(rows: int) -> Columns:
    columns = Columns(np.int64, np.uint32)
    columns.append(np.arange(rows), np.arange(rows) * 2)
    return columns


def test_rows_come_at_the_end_and_go_at_the_start():
    columns = filled(3)
    columns.drop(1)
    columns.append(np.array([9]), np.array([7]))
    assert numbers(columns) == [(1, 2), (2, 4), (9, 7)]


def test_many_small_appends_cost_few_copies():
    columns = Columns(np.int64)
    places = set()
    for number in range(10_000):
        columns.append(np.array([number]))
        places.add(columns.of(0).__array_interface__["data"][0])
    assert columns.of(0).tolist() == list(range(10_000))
    assert len(places) < 15


def test_what_was_dropped_leaves_its_memory():
    columns = filled(100_000)
    columns.drop(99_990)
    assert columns.nbytes() < 2_000
    assert numbers(columns)[0] == (99_990, 199_980)


def test_columns_come_back_as_they_were_saved():
    columns, again = filled(5), Columns(np.int64, np.uint32)
    columns.drop(2)
    again.load(columns.save())
    again.append(np.array([9]), np.array([9]))
    assert numbers(again) == [(2, 4), (3, 6), (4, 8), (9, 9)]
