"""Two changes to how Beam's Python worker handles state, made on import. Neither changes what is stored.

Both are for the cost per key and bundle (docs/adr/0001). They replace functions of Beam 2.70 that are not public; the
tests of this file fail when another Beam has them no more.
"""

import sys
from collections.abc import Callable
from typing import Any

from apache_beam.runners.worker import statecache
from apache_beam.runners.worker.bundle_processor import (
    FnApiUserStateContext,
    ReadModifyWriteRuntimeState,
    SynchronousBagRuntimeState,
)

_measure = statecache.get_deep_size
_weighers: dict[type, Callable[[list[Any]], int]] = {}


def weigh_by(kind: type, weigh: Callable[[list[Any]], int]) -> None:
    """Let the cache weigh a bag of elements of this type by `weigh`, which gives bytes.

    Beam walks a value each time it is put into the cache, and first looks at the globals of every module: 0.5 ms.
    """
    _weighers[kind] = weigh


def _weigh(*cached: Any) -> int:
    [bag] = cached if len(cached) == 1 else (None,)
    if not isinstance(bag, list):
        return int(_measure(*cached))
    if not bag:
        return sys.getsizeof(bag)
    weigh = _weighers.get(type(bag[0]))
    return int(_measure(bag)) if weigh is None else weigh(bag)


def _commit_together(context: FnApiUserStateContext) -> None:
    """Send the appends of all keys, then wait for all answers; Beam waits for each before it sends the next."""
    answers = [_begin(state) for state in context._all_states.values()]  # noqa: SLF001
    for answer in answers:
        if answer is not None:
            answer.get()


def _begin(state: Any) -> Any:
    """What `commit` of a bag does, but for the waiting; other kinds of state are committed at once."""
    if type(state) is ReadModifyWriteRuntimeState:
        state = state._underlying_bag_state  # noqa: SLF001
    if type(state) is not SynchronousBagRuntimeState:
        state.commit()
        return None
    answer = None
    handler, key = state._state_handler, state._state_key  # noqa: SLF001
    if state._cleared:  # noqa: SLF001
        answer = handler.clear(key)
    if state._added_elements:  # noqa: SLF001
        answer = handler.extend(key, state._value_coder.get_impl(), state._added_elements)  # noqa: SLF001
    return answer


statecache.get_deep_size = _weigh
FnApiUserStateContext.commit = _commit_together
