import json
import os
import subprocess
import sys
from pathlib import Path

from bench.processes import ProcessTree

ROOT = Path(__file__).parent.parent.parent


def test_a_quick_bench_of_the_file_replay_gives_its_figures_as_table_and_json(tmp_path):
    figures = tmp_path / "figures.json"
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--traces", "400", "--runners", "file", "--json", str(figures)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "replay of a file" in ended.stdout
    [kept] = json.loads(figures.read_text())["figures"]
    assert (kept["table"], kept["row"]["traces"]) == ("Throughput", 400)
    assert kept["row"]["Java CPU s per million"] == 0
    assert "Python CPU s per million" in kept["row"]  # of so few traces, less the start, it may be anything
    assert kept["row"]["peak MB"] > 20


def test_an_unknown_runner_is_refused_with_the_known_ones():
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "--runners", "spark"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "choose from file, direct, flink, transport, prism" in ended.stderr


def test_a_process_tree_counts_children_that_have_ended():
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE) as process:
        with ProcessTree(process.pid) as tree:
            while len(tree.alive()) < 2:
                assert process.poll() is None
            while len(tree.alive()) > 1:
                assert process.poll() is None
            usage = tree.usage()
        process.stdin.close()
    assert usage.cpu_s["python"] > 0.1
    assert os.getpid() not in tree.alive()
