"""Service checks on disk: the latest of every subject, what came before, and how much is kept."""

from pathlib import Path

from oddsock.telemetry.records import ServiceCheck
from oddsock.telemetry.store import checks
from oddsock.telemetry.store.checks import CheckStore

AT_MS = 1_761_812_640_000


def _check(status: int, after_ms: int = 0, tags: tuple[str, ...] = (), host: str = "node") -> ServiceCheck:
    return ServiceCheck(check="payment.can_connect", at_ms=AT_MS + after_ms, status=status, tags=tags, host=host)


def test_the_latest_of_every_host_and_tag_set_is_answered(tmp_path: Path) -> None:
    store = CheckStore.open(tmp_path / "checks.sqlite")
    store.append([_check(0, 0, ("a:1", "b:2")), _check(2, 5, ("b:2", "a:1")), _check(1, 1, ("a:1",))])
    found = {report.tags: report.status for report in store.latest("payment.can_connect")}
    assert found == {("a:1", "b:2"): 2, ("a:1",): 1}
    assert store.latest("nobody.reports") == []
    assert store.names() == ["payment.can_connect"]
    store.close()


def test_an_older_report_that_arrives_late_does_not_become_the_latest(tmp_path: Path) -> None:
    store = CheckStore.open(tmp_path / "checks.sqlite")
    store.append([_check(2, 10)])
    store.append([_check(0, 3)])
    assert [report.status for report in store.history("payment.can_connect")[0]] == [2, 0]
    store.close()


def test_of_two_reports_of_one_instant_the_later_one_counts(tmp_path: Path) -> None:
    store = CheckStore.open(tmp_path / "checks.sqlite")
    store.append([_check(2), _check(0)])
    assert store.latest("payment.can_connect")[0].status == 0
    store.close()


def test_reports_are_there_after_a_restart(tmp_path: Path) -> None:
    store = CheckStore.open(tmp_path / "checks.sqlite")
    store.append([_check(2)])
    store.close()
    again = CheckStore.open(tmp_path / "checks.sqlite")
    assert again.latest("payment.can_connect") == [_check(2)]
    again.close()


def test_only_so_many_reports_of_a_subject_are_kept(tmp_path: Path) -> None:
    store = CheckStore.open(tmp_path / "checks.sqlite")
    store.append([_check(0, number) for number in range(checks.KEPT_MAX + 5)])
    kept = store._book.connection.execute("SELECT count(*) FROM reports").fetchone()[0]
    assert kept == checks.KEPT_MAX
    assert len(store.history("payment.can_connect", 10_000)[0]) == checks.HISTORY_MAX
    store.close()


def test_a_subject_without_reports_is_forgotten(tmp_path: Path) -> None:
    store = CheckStore.open(tmp_path / "checks.sqlite")
    store.append([_check(0, 0, ("a:1",)), _check(0, 10, ("a:2",))])
    assert store.forget_before(AT_MS + 5) == 1
    assert [report.tags for report in store.latest("payment.can_connect")] == [("a:2",)]
    store.close()
