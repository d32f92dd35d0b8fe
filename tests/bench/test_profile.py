"""Profiles: collapsed stacks, which step they belong to, and the graph that is drawn of them."""

import xml.etree.ElementTree as ET

import pytest

from bench.profile import report
from bench.profile.flame_graph import svg
from bench.profile.runs import Profile
from bench.profile.stacks import IMPORTS, depth, read_stacks, tree
from bench.profile.steps import JAVA, OTHER, PYTHON, Rule, Steps

SVG = "{http://www.w3.org/2000/svg}"


def test_stacks_that_differ_in_lines_and_addresses_alone_are_one():
    stacks = read_stacks(
        "run (a.py:1);0x7f00 (libc.so.6);parse (b.py:10) 3\nrun (a.py:2);parse (b.py:11) 4\nrun (a.py:2) 1\n"
    )
    assert stacks == {("run (a.py)", "parse (b.py)"): 7, ("run (a.py)",): 1}


@pytest.mark.parametrize(
    "waiting",
    [
        "wait (threading.py:327);lock_PyThread_acquire_lock (libpython3.11.so.1.0);futex (libc.so.6)",
        "channel_spin (grpc/_channel.py:1);next_event (cygrpc.so);syscall (libc.so.6)",
        "run (rich/live.py:1);clock_nanosleep (libc.so.6)",
    ],
)
def test_what_waits_is_left_out(waiting):
    assert read_stacks(f"{waiting} 5\nwork (a.py:1) 2\n") == {("work (a.py)",): 2}


def test_a_frame_that_is_called_like_a_wait_but_calls_others_is_no_wait():
    assert read_stacks("epoll_wait (c);a (a.py:1);b (b.py:1);c (c.py:1) 2\n").total() == 2


def test_the_tower_of_an_import_is_one_frame():
    assert read_stacks("main (m.py:1);_find_and_load (<frozen importlib._bootstrap>:1);exec (x.py:1) 2\n") == {
        ("main (m.py)", IMPORTS): 2
    }


def test_of_a_library_without_symbols_the_name_is_told_and_not_the_folder():
    assert read_stacks("[t];/tmp/run-7/lib/librocksdbjni.so 1\n") == {("[t]", "librocksdbjni.so"): 1}


def test_threads_of_one_pool_are_one_thread():
    stacks = read_stacks("[grpc-default-executor-3 tid=71];run 1\n[grpc-default-executor-12 tid=9];run 1\n")
    assert list(stacks.values()) == [2]


def test_small_frames_are_left_out_of_the_tree_and_count_in_those_below():
    root = tree({("a", "b"): 97, ("a", "c"): 1, ("d",): 2}, least=0.02)
    assert (root.count, list(root.below), list(root.below["a"].below)) == (100, ["a", "d"], ["b"])
    assert root.below["a"].count == 98
    assert depth([root]) == 3


def test_the_innermost_frame_that_a_rule_knows_decides():
    steps = Steps([Rule("join", "join"), Rule("Beam", "beam")])
    assert steps.of_stack(("beam", "join", "json")) == "join"
    assert steps.of_stack(("join", "beam")) == "Beam"
    assert steps.of_stack(("json",)) == OTHER
    shares = steps.shares({("beam", "join"): 3, ("beam",): 1})
    assert list(shares.items()) == [("join", 0.75), ("Beam", 0.25)]


@pytest.mark.parametrize(
    ("frame", "step"),
    [
        ("_ParseBatch.process (transforms/input/parse_traces.py)", "parse"),
        ("_decode (transforms/input/batch_parser.py)", "parse"),
        ("RecordBatchCoder.decode (transforms/input/record_batch.py)", "read"),
        ("SendsView.snapshot (transforms/locate/sends_view.py)", "snapshots"),
        ("SendsView.apply (transforms/locate/sends_view.py)", "place facts"),
        ("BlockJudge.judge (transforms/findings/block_judge.py)", "judge, tally"),
        ("BlockView._sent (transforms/join/block_view.py)", "take in facts"),
        ("GrpcStateHandler._request (apache_beam/runners/worker/sdk_worker.py)", "Beam: state"),
        ("DoOperation_process (operations.c)", "Beam: bundles and elements"),
        ("gc_collect_main (libpython3.11.so.1.0)", "Python: collector of cycles"),
    ],
)
def test_frames_of_a_worker_have_their_step(frame, step):
    assert PYTHON.of_frame(frame) == step


@pytest.mark.parametrize(
    ("stack", "step"),
    [
        (("[C2 CompilerThread]", "Compile::Compile"), "JIT compiler"),
        (("[task]", "org/apache/flink/A.run", "org/apache/kafka/clients/C.poll"), "Kafka client"),
        (("[task]", "org/apache/flink/runtime/io/network/W.emit"), "Flink: network buffers"),
        (("[rocksdb:low]", "rocksdb::DBImpl::BGWorkCompaction"), "state"),
        (("[task]", "org/apache/beam/vendor/grpc/v1p69p0/io/netty/N.run", "java/lang/T.run"), "gRPC, protobuf"),
    ],
)
def test_stacks_of_java_have_their_step(stack, step):
    assert JAVA.of_stack(stack) == step


def test_the_graph_is_an_svg_whose_frames_are_as_wide_as_their_share():
    stacks = {("a <b>", "parse (transforms/input/parse_traces.py)"): 3, ("c",): 1}
    root = ET.fromstring(svg("title & more", tree(stacks, 0), PYTHON))  # noqa: S314  our own
    widths = {box.find(f"{SVG}title").text: float(box.find(f"{SVG}rect").get("width")) for box in root.iter(f"{SVG}g")}
    assert widths["a <b> 75.0 %"] == pytest.approx(3 * widths["c 25.0 %"], rel=0.01)
    assert len(widths) == 4


def test_what_was_kept_of_two_profiles_is_one_table(tmp_path):
    before = Profile("flink-java", "Java", read_stacks("[C2 CompilerThread];x 3\n[t];org/apache/kafka/A 1\n"))
    after = Profile("flink-java", "Java", read_stacks("[C2 CompilerThread];x 1\n[t];org/apache/kafka/A 3\n"))
    for label, one in (("now", after), ("before", before)):
        assert report.draw(one, tmp_path, label).exists()
        report.keep(report.shares([one]), tmp_path, label)
    table = report.markdown(report.kept(tmp_path))
    assert "| share of CPU | before | now |" in table
    assert "| JIT compiler | 75.0 % | 25.0 % |" in table
    assert "[before](figures/profile/flink-java-before.svg), [now](figures/profile/flink-java-now.svg)" in table
