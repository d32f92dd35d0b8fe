"""Has Beam's servers listen on loopback alone.

Beam 2.70 works out the loopback address of each of its servers, and then binds the port without the address: its job
service, and the services that Python workers speak to, listen on every address, without a password. No option changes
that. One class does it, in one place:

    NettyServerBuilder.forPort(socket.getPort())   becomes   NettyServerBuilder.forAddress(socket)

A jar with this class lies before Beam's own on the classpath. docs/adr/0014-beam-on-loopback.md: what else was tried.
"""

import hashlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from runners.java.jars import JarError

#: It comes first in the `lib` of a Flink too, which is sorted.
NAME = "00-beam-on-loopback.jar"
CLASS = "org/apache/beam/sdk/fn/server/ServerFactory$InetSocketAddressServerFactory.class"
SHA256 = "93b5a86013416deb22c25aef442c20d57cc5aec9ae73d000ddb667601ef45f2c"
_HOME = "beam-sdks-java-core-"
_BUILDER = b"Lorg/apache/beam/vendor/grpc/v1p69p0/io/grpc/netty/NettyServerBuilder;"
_DESCRIPTOR = b"(Ljava/net/SocketAddress;)" + _BUILDER
#: Where the constant pool of that class ends, and the number of its next entry.
_POOL_END, _NEXT = 6843, 260
_EDITS = (
    # The call: no port is asked of the address any more, it stays on the stack.
    (bytes.fromhex("b600a0 b800a6"), bytes.fromhex("000000 b800a6")),
    # Name and type of the method that is called.
    (b"\x01\x00\x07forPort", b"\x01\x00\x0aforAddress"),
    (bytes.fromhex("0c 00a3 00a4"), b"\x0c\x00\xa3" + _NEXT.to_bytes(2)),
)


def on_loopback(original: bytes) -> bytes:
    """The class file with its call changed. Raises `JarError` when it is not the one of the locked jar."""
    if hashlib.sha256(original).hexdigest() != SHA256:
        raise JarError(
            "Beam's class for servers is another one than we know: it cannot be told to listen on loopback alone.",
            "Take the jars that we were tested with: tracing-aggregator jars",
        )
    text = b"\x01" + len(_DESCRIPTOR).to_bytes(2) + _DESCRIPTOR
    count = (_NEXT + 1).to_bytes(2)
    changed = original[:8] + count + original[10:_POOL_END] + text + original[_POOL_END:]
    for before, after in _EDITS:
        changed = changed.replace(before, after)
    return changed


def loopback_jar(jars: Sequence[Path], folder: Path, otherwise: Path) -> Path:
    """The jar to have before these on a classpath, in `folder`, or in `otherwise` where that takes no files."""
    source = next(jar for jar in jars if jar.name.startswith(_HOME))
    with zipfile.ZipFile(source) as archive:
        changed = on_loopback(archive.read(CLASS))
    try:
        return _written(folder / NAME, changed)
    except OSError:  # the jars of an image belong to another user
        return _written(otherwise / NAME, changed)


def _written(target: Path, content: bytes) -> Path:
    """The jar, left alone if it is there: its age counts for archives of classes."""
    if not _holds(target, content):
        fresh = target.with_suffix(f".{os.getpid()}")
        with zipfile.ZipFile(fresh, "w") as archive:
            archive.writestr(zipfile.ZipInfo(CLASS), content)
        fresh.replace(target)
    return target


def _holds(jar: Path, content: bytes) -> bool:
    try:
        with zipfile.ZipFile(jar) as archive:
            return archive.namelist() == [CLASS] and archive.read(CLASS) == content
    except (OSError, KeyError, zipfile.BadZipFile):
        return False
