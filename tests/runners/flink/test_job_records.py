import os
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.errors import UserError
from runners.flink.job_records import JobRecord, frozen_settings
from runners.flink.savepoints import job_of
from transforms.state.journal import FORMAT


def record(**changes) -> JobRecord:
    return JobRecord(**{"job": "abcdef", "frozen": frozen_settings(Settings()), **changes})


def test_a_record_is_found_by_the_beginning_of_its_job(tmp_path):
    record().save(tmp_path)
    assert JobRecord.of(tmp_path, "abc") == record()


@pytest.mark.parametrize(
    ("place", "job"),
    [
        ("s3://bucket/savepoint-abcdef-0123", "abcdef"),
        ("file:/s/savepoint-abcdef-0123/", "abcdef"),
        (f"/checkpoints/{'ab' * 16}/chk-7", "ab" * 16),
        ("/somewhere/else", ""),
        ("", ""),
    ],
)
def test_a_snapshot_names_its_job(place, job):
    assert job_of(place) == job


def test_the_records_of_all_jobs_begin_with_the_newest(tmp_path):
    for number, job in enumerate(("first", "second")):
        record(job=job).save(tmp_path)
        os.utime(tmp_path / f"{job}.json", (number, number))
    assert [each.job for each in JobRecord.all(tmp_path)] == ["second", "first"]


def test_no_record_and_an_unreadable_record_are_both_none(tmp_path):
    (tmp_path / "abcdef.json").write_text("{")
    assert JobRecord.of(tmp_path, "abc") is None
    assert JobRecord.of(tmp_path, "other") is None
    assert JobRecord.of(tmp_path, "") is None


def test_settings_that_state_is_laid_out_by_cannot_change_below_it():
    with pytest.raises(UserError, match=r"block\.size=512 \(was 1024\)"):
        record().require_layout_of(Settings(block_size=512), Path("/s/chk-7"))
    record().require_layout_of(Settings(hold_send_ms=1000), Path("/s/chk-7"))


def test_state_of_another_format_is_refused_with_what_to_do():
    older = record(frozen={**frozen_settings(Settings()), "state.format": FORMAT - 1})
    with pytest.raises(UserError, match=rf"format {FORMAT - 1}, this release reads format {FORMAT} only") as raised:
        older.require_layout_of(Settings(), "/s/chk-7")
    assert "Go on with the release that wrote it" in str(raised.value)


def test_state_of_a_job_whose_format_was_not_noted_is_left_to_the_workers_to_judge():
    record(frozen={"block.size": 1024}).require_layout_of(Settings(), "/s/chk-7")


def test_state_stays_with_the_backend_that_made_it():
    made = record(frozen=frozen_settings(Settings(flink_state_backend="hashmap")))
    with pytest.raises(UserError, match=r"flink\.state\.backend=rocksdb \(was hashmap\)"):
        made.require_layout_of(Settings(flink_state_backend="rocksdb"), Path("/s/chk-7"))
