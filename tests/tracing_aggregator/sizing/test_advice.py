"""Settings for a rate, and what breaks without them."""

import yaml
from click.testing import CliRunner

from pipeline.config.load import load_config
from pipeline.config.settings import Settings
from tracing_aggregator.cli.main import main
from tracing_aggregator.sizing.advice import findings, needs, values
from tracing_aggregator.sizing.model import Demand

DAY = Demand(1000, partitions=256)
PLENTY = 10**15


def test_the_defaults_break_at_a_thousand_messages_a_second_kept_for_a_day_and_each_limit_is_named():
    problems = [finding.message for finding in findings(DAY, Settings(), PLENTY) if finding.level == "problem"]
    assert any("`state.cache.mb`" in problem for problem in problems)
    assert any("`limit.open.per.key`" in problem for problem in problems)


def test_with_the_settings_that_it_names_nothing_breaks():
    told = findings(DAY, Settings(), PLENTY)[-1].todo
    overrides = told.removeprefix("Set: ").replace("-o ", "").split()
    settings = load_config(None, {}, overrides).settings
    assert [one for one in findings(DAY, settings, PLENTY) if one.level != "ok"] == []


def test_more_messages_never_need_less():
    small, large = (needs(Demand(rate, partitions=256), Settings()) for rate in (100, 5000))
    assert all(small.settings[name] <= large.settings[name] for name in small.settings)
    assert (small.memory < large.memory, small.disk < large.disk, small.cores <= large.cores) == (True, True, True)


def test_a_disk_that_is_too_small_is_a_problem_and_one_elsewhere_is_not_asked():
    def disk(free: int | None) -> list[str]:
        return [one.level for one in findings(DAY, Settings(), free) if "of disk, and there are" in one.message]

    assert (disk(10**9), disk(PLENTY), disk(None)) == (["problem"], [], [])


def test_values_are_settings_that_are_understood():
    document = yaml.safe_load(values(Demand(1000, retention_s=3600), Settings(retention_ms=3_600_000)))
    settings = load_config(None, {}, [f"{name}={value}" for name, value in document["settings"].items()]).settings
    assert settings.retention_ms == 3_600_000
    assert document["aggregator"]["resources"]["limits"]["memory"].endswith("Gi")


def test_the_command_tells_needs_and_limits_without_asking_anybody():
    shown = CliRunner().invoke(main, ["size", "--messages-per-second", "1000"])
    assert shown.exit_code == 0
    assert "1,000 messages/s, 1 group" in shown.stdout
    assert "breaks at messages/s" in shown.stdout


def test_check_says_what_breaks_before_it_asks_the_brokers():
    arguments = ["check", "--messages-per-second", "1000", "-o", "bootstrap.servers=127.0.0.1:1"]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 1
    assert "problem  1,000 messages/s: breaks at 64: " in shown.stdout
    assert "state.cache.mb=17664" in shown.stdout
