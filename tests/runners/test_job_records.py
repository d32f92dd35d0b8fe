from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.settings import Settings
from runners.job_records import JobRecord, frozen_settings


def record(**changes) -> JobRecord:
    return JobRecord(
        **{"job": "abcdef", "reads": ["ReadTracing-4-x"], "frozen": frozen_settings(Settings()), **changes}
    )


def offsets(number: int) -> dict[str, dict[str, int]]:
    return {"_tracing": {"0": number}}


def test_a_record_is_found_by_the_beginning_of_its_job(tmp_path):
    record().save(tmp_path)
    assert JobRecord.of(tmp_path, "abc") == record()


def test_a_savepoint_names_its_job(tmp_path):
    record().save(tmp_path)
    assert JobRecord.of_savepoint(tmp_path, "s3://bucket/savepoint-abcdef-0123") == record()
    assert JobRecord.of_savepoint(tmp_path, "") is None


def test_no_record_and_an_unreadable_record_are_both_none(tmp_path):
    (tmp_path / "abcdef.json").write_text("{")
    assert JobRecord.of(tmp_path, "abc") is None
    assert JobRecord.of(tmp_path, "other") is None


def test_settings_that_state_is_laid_out_by_cannot_change_below_it():
    with pytest.raises(UserError, match=r"block\.size=512 \(was 1024\)"):
        record().require_layout_of(Settings(block_size=512), Path("/s/chk-7"))
    record().require_layout_of(Settings(hold_send_ms=1000), Path("/s/chk-7"))


def test_state_stays_with_the_backend_of_the_embedded_flink_that_made_it():
    made = record(frozen=frozen_settings(Settings(flink_state_backend="hashmap")))
    with pytest.raises(UserError, match=r"flink\.state\.backend=rocksdb \(was hashmap\)"):
        made.require_layout_of(Settings(flink_state_backend="rocksdb"), Path("/s/chk-7"))
    assert "flink.state.backend" not in frozen_settings(Settings(flink_master="cluster:8081"))


def test_a_checkpoint_has_the_offsets_noted_for_it_or_before_it():
    made = record()
    for number in (3, 5, 9):
        made.note(number, offsets(number))
    assert made.offsets_of("chk-7") == offsets(5)
    assert made.offsets_of("chk-9") == offsets(9)
    assert made.offsets_of("savepoint-abcdef-1") == offsets(9)
    assert made.offsets_of("chk-2") == {}


def test_only_the_last_eight_checkpoints_are_remembered():
    made = record()
    for number in range(1, 12):
        made.note(number, offsets(number))
    assert list(made.offsets) == [str(number) for number in range(4, 12)]
