"""Our own log: one JSON object a line, cards masked."""

import json
import logging
import sys

import pytest

from oddsock.kit import log


def _record(message: str, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("oddsock.test", logging.WARNING, __file__, 1, message, (), None)
    record.fields = fields
    return record


def test_a_line_is_one_json_object_with_its_fields() -> None:
    line = json.loads(log.JsonLines().format(_record("scaled", deployment="payment", replicas=0)))
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "oddsock.test",
        "message": "scaled",
        "deployment": "payment",
        "replicas": 0,
    }


def test_no_card_reaches_the_log() -> None:
    assert "5544154011345918" not in log.JsonLines().format(_record("card 5544154011345918"))


def test_an_exception_stays_on_its_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = log.JsonLines().format(record)
    assert "\n" not in line
    assert "ValueError: broken" in json.loads(line)["exception"]


def test_the_log_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        log.configure("WARNING")
        logging.getLogger("oddsock.test").warning("seen")
        captured = capsys.readouterr()
        assert captured.out == ""
        assert json.loads(captured.err)["message"] == "seen"
    finally:
        root.handlers[:] = before
        root.setLevel(level)
