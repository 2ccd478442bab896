"""What every process of the shop has: switches, arguments, log lines, metrics, correlation, a book of its own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import oddsock
from oddsock.kit.clock import ManualClock
from oddsock.kit.errors import CannotRun, UsageError
from oddsock.shop.catalogue.socks import TAGS, read_socks, select, tagged
from oddsock.shop.correlation import Correlation
from oddsock.shop.exposition import Counter, Histogram
from oddsock.shop.flags import FLAGS, Flags, as_markdown
from oddsock.shop.log_lines import SpringLog, logfmt_line, morgan_line, spring_line
from oddsock.shop.service import Surroundings, books_folder, own_names, parse_arguments

AT = datetime(2025, 10, 18, 9, 23, 45, 593_000, tzinfo=UTC)
BY = Correlation("00-0af7651916cd43dda36be67a4ef5e635-d77bfb4d906439b0-01", "request-1")
ROOT = Path(__file__).parents[3]


def test_every_switch_stands_in_the_page_of_switches() -> None:
    assert as_markdown() in (ROOT / "docs" / "switches.md").read_text()


def test_every_switch_says_what_it_does_and_what_it_answers() -> None:
    for flag in FLAGS:
        assert flag.effect and flag.recommendation and flag.services, flag.name
        assert not flag.values or flag.default in flag.values


def test_a_switch_has_its_legacy_value_until_the_environment_says_otherwise() -> None:
    assert Flags({}).is_on("SILENT_500")
    assert not Flags({"SILENT_500": "0"}).is_on("SILENT_500")
    assert Flags({"SHOWN": "order"}).text("SHOWN") == "order"
    assert Flags({"SOCKS": "weave, incident-3"}).names("SOCKS") == ["weave", "incident-3"]


def test_a_switch_set_to_nonsense_is_refused_with_what_it_may_be() -> None:
    with pytest.raises(UsageError, match=r"SHOWN=truth is not known. Set it to label or order."):
        Flags({"SHOWN": "truth"}).text("SHOWN")


def test_the_manifests_set_every_legacy_switch_and_only_known_ones() -> None:
    known = {(service, flag.name): flag for flag in FLAGS for service in flag.services}
    found: dict[tuple[str, str], str] = {}
    for path in sorted((ROOT / "src/oddsock/data/manifests/sock-shop").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] == "Deployment":
                container = document["spec"]["template"]["spec"]["containers"][0]
                assert container["image"] == f"oddsock/sock-shop-{container['name']}:{oddsock.__version__}"
                found |= {(container["name"], row["name"]): row["value"] for row in container.get("env", [])}
    switches = {
        key: value for key, value in found.items() if key[1] not in {"BOOKS", "PORT", "WEBHOOK_SECRET", "GATEWAY_KEY"}
    }
    assert switches == {key: flag.default for key, flag in known.items()}


def test_arguments_come_as_either_family_of_originals_takes_them() -> None:
    assert parse_arguments(["-port=8080", "--port=80", "-decline", "105"]) == {"port": "80", "decline": "105"}
    assert parse_arguments([]) == {}


def test_a_spring_record_reads_as_the_originals() -> None:
    line = spring_line(AT, "INFO", "orders", "http-nio-8080-exec-1", "w.w.s.o.controllers.OrdersController", "Hi", BY)
    assert line.startswith("2025-10-18 09:23:45.593  INFO [orders,a36be67a4ef5e635,d77bfb4d906439b0,false] ")
    assert line.endswith(" --- [nio-8080-exec-1] w.w.s.o.controllers.OrdersController     : Hi")
    assert "[orders,,,]" in spring_line(AT, "ERROR", "orders", "main", "x", "Hi", Correlation())


def test_a_logfmt_record_quotes_what_needs_it() -> None:
    fields = {"method": "Authorise", "result": True, "err": None, "text": 'say "hi"', "tags": ""}
    expected = (
        'ts=2025-10-18T09:23:45.593Z caller=a.go:1 method=Authorise result=true err=null text="say \\"hi\\"" tags='
    )
    assert logfmt_line(AT, "a.go:1", fields) == expected


def test_a_morgan_record_is_coloured_by_its_class() -> None:
    assert morgan_line("POST", "/orders", 406, None, None) == "\x1b[0mPOST /orders \x1b[33m406 \x1b[0m- ms - -\x1b[0m"
    assert "\x1b[32m200 \x1b[0m53.980 ms - 12" in morgan_line("GET", "/login", 200, 53.98, 12)
    assert "\x1b[31m500" in morgan_line("GET", "/", 500, 1, 1)


def test_cards_are_in_clear_in_the_legacy_log_only(capfd: pytest.CaptureFixture[str]) -> None:
    for masked in (False, True):
        SpringLog("orders", 8080, ManualClock(), masked).bare("longNum='5953580604169678', ccv='678'")
    legacy, mended = capfd.readouterr().out.splitlines()
    assert "5953580604169678" in legacy
    assert mended == "longNum='************9678', ccv='***'"


def test_a_histogram_counts_into_every_bucket_above() -> None:
    histogram = Histogram("seconds", "Help.", ("path",))
    histogram.observe(('/a"b',), 0.02)
    histogram.observe(('/a"b',), 99.0)
    text = histogram.render()
    assert 'seconds_bucket{path="/a\\"b",le="0.01"} 0' in text
    assert 'seconds_bucket{path="/a\\"b",le="0.025"} 1' in text
    assert 'seconds_bucket{path="/a\\"b",le="1"} 1' in text
    assert 'seconds_bucket{path="/a\\"b",le="+Inf"} 2' in text
    assert 'seconds_count{path="/a\\"b"} 2' in text and 'seconds_sum{path="/a\\"b"} 99.02' in text


def test_a_counter_renders_without_labels_too() -> None:
    counter = Counter("mails_total", "Help.", ())
    counter.add()
    assert counter.render().endswith("mails_total 1\n")


def test_correlation_keeps_the_trace_and_changes_the_span() -> None:
    begun = Correlation.begun({"traceparent": BY.traceparent, "X-Request-Id": "request-1", "Idempotency-Key": "k"})
    assert (begun.trace, begun.request_id, begun.idempotency_key) == ("a36be67a4ef5e635", "request-1", "k")
    assert begun.span != BY.span
    onward = begun.onward()
    assert onward["traceparent"].split("-")[1] == BY.traceparent.split("-")[1]
    assert "X-Order-Id" not in onward


def test_correlation_is_begun_where_nobody_did_and_not_made_up_where_it_is_stored() -> None:
    assert Correlation.received({}) == Correlation()
    begun = Correlation.begun({})
    assert len(begun.trace) == 16 and begun.request_id


def _surroundings(folder: Path, clock: ManualClock) -> Surroundings:
    return Surroundings("payment", 8080, {}, folder, Flags({}), clock)


async def test_a_book_has_one_owner_and_a_second_one_waits_ten_seconds(tmp_path: Path) -> None:
    clock = ManualClock()
    first = await _surroundings(tmp_path, clock).open_book("")
    with pytest.raises(CannotRun, match="in use by another process"):
        await _surroundings(tmp_path, clock).open_book("")
    assert clock.monotonic() == pytest.approx(10, abs=0.1)
    first.close()
    (await _surroundings(tmp_path, clock).open_book("")).close()


def test_without_books_the_folder_is_temporary_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert books_folder({}).parent == tmp_path
    assert "no restart will find them" in capsys.readouterr().err
    assert books_folder({"BOOKS": str(tmp_path / "books")}).is_dir()


def test_a_process_answers_to_its_service_its_pod_and_its_address() -> None:
    names = own_names("payment", {"HOSTNAME": "payment-1", "POD_IP": "10.244.1.7"})
    assert names == {"payment", "payment-1", "10.244.1.7"}


def test_the_catalogue_has_ten_socks_of_the_original_and_three_of_the_report() -> None:
    assert [len(read_socks([name])) for name in ("weave", "incident-3")] == [10, 3]
    assert {tag for sock in read_socks(["weave", "incident-3"]) for tag in sock.tag} <= set(TAGS)
    assert len({sock.id for sock in read_socks(["weave", "incident-3"])}) == 13
    with pytest.raises(CannotRun, match="no list of socks named shoes"):
        read_socks(["shoes"])


def test_a_filter_trims_the_tags_shown_and_page_nought_is_empty() -> None:
    socks = read_socks(["weave"])
    magic = select(socks, ["magic"], 1, 10)
    assert [(sock.name, sock.tag) for sock in magic] == [("Holy", ("magic",))]
    assert select(socks, [], 0, 10) == select(socks, [], 1, 0) == []
    assert [sock.name for sock in select(socks, [], 2, 9)] == ["Classic"]
    assert len(tagged(socks, ["formal"])) == 5
