"""For tests: a few lines of Java, compiled by ecj and run with locked jars."""

import subprocess
from pathlib import Path

from runners.java.find_java import find_java
from runners.java.jars import classpath, locked, resolve

HERE = Path(__file__).parent
LOCK = locked((HERE.parent / "jars.lock").read_text())


def compiled(name: str, group: str, folder: Path) -> list[Path]:
    """The classpath to run `NAME.java` of this folder: its classes, made in `folder` once, and a group of jars."""
    jars = resolve(group, jars=LOCK)
    classes = folder / "classes"
    if not classes.exists():
        command = [find_java(), "-cp", classpath(resolve("ecj", jars=LOCK))]
        command += ["org.eclipse.jdt.internal.compiler.batch.Main", "-17", "-nowarn", "-proc:none"]
        arguments = ["-cp", classpath(jars), "-d", str(classes), str(HERE / f"{name}.java")]
        ended = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return [classes, *jars]
