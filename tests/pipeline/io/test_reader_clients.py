from pipeline.io.reader_clients import CheckpointedOffsets, ReaderClients

PLACE = ("_tracing", 0)


class Client:
    def __init__(self) -> None:
        self.committed: list[dict] = []
        self.dropped: set = set()

    def drop(self, places: set) -> None:
        self.dropped |= places

    def commit(self, offsets: dict) -> None:
        self.committed.append(dict(offsets))


def test_what_became_final_with_a_checkpoint_is_committed_with_the_next():
    offsets = CheckpointedOffsets()
    assert offsets.take({PLACE: 5}, now_s=10.0) == {}
    assert offsets.take({PLACE: 7}, now_s=10.1) == {}, "the same checkpoint"
    assert offsets.take({PLACE: 9}, now_s=20.0) == {PLACE: 7}
    assert offsets.take({PLACE: 11}, now_s=30.0) == {PLACE: 9}


def test_an_older_offset_that_becomes_final_late_takes_nothing_back():
    offsets = CheckpointedOffsets()
    offsets.take({PLACE: 7}, now_s=10.0)
    offsets.take({PLACE: 5}, now_s=10.1)
    assert offsets.take({}, now_s=20.0) == {PLACE: 7}


def test_readers_of_one_bundle_share_a_client_and_keep_it():
    clients = ReaderClients(Client)
    first = clients.of(b"reader-0", None, [])
    assert clients.of(b"reader-1", first, []) is first
    assert clients.of(b"reader-2", None, []) is not first
    assert clients.of(b"reader-1", None, []) is first


def test_a_reader_that_comes_to_share_a_bundle_moves_to_the_client_there_and_is_read_by_no_other():
    clients = ReaderClients(Client)
    first, former = clients.of(b"reader-0", None, []), clients.of(b"reader-1", None, [PLACE])
    assert first is not former
    assert clients.of(b"reader-1", first, [PLACE]) is first
    assert former.dropped == {PLACE}
    assert clients.of(b"reader-1", None, [PLACE]) is first


def test_a_commit_goes_by_the_client_of_its_reader():
    clients = ReaderClients(Client)
    client = clients.of(b"reader-0", None, [])
    clients.commit(b"reader-0", {PLACE: 3})
    assert client.committed == [], "not before the next checkpoint"
