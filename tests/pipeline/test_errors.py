import importlib
import pkgutil
import re

import pipeline
import runners
import tracing_aggregator
import tracing_aggregator.dashboard
import tracing_aggregator.demo
from pipeline import errors
from pipeline.errors import UserError


def kinds(error: type[UserError]) -> set[str]:
    """Names of an error and of all below it, other than what tests invent."""
    below = [kind for kind in error.__subclasses__() if not kind.__module__.startswith("test")]
    return {error.__name__}.union(*map(kinds, below))


def test_the_tree_of_errors_shows_every_kind_and_where_it_is():
    for package in (pipeline, runners, tracing_aggregator):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    drawn = re.findall(r"── (\w+) +([\w.]+):", errors.__doc__ or "")
    assert {name for name, _ in drawn} | {"UserError"} == kinds(UserError), "draw it at the head of pipeline/errors.py"
    for name, module in drawn:
        assert issubclass(getattr(importlib.import_module(module), name), UserError)


def test_an_error_says_what_happened_and_then_what_to_do():
    assert str(UserError("This broke.", "Type that.")) == "This broke.\nType that."
    assert str(UserError("This broke.")) == "This broke."
