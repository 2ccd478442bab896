"""Ids: unique, shaped as the systems they imitate shape them."""

import os
import re

import pytest

from oddsock.kit import ids


def test_an_object_id_is_24_hex_digits_and_never_repeats() -> None:
    made = [ids.object_id() for _ in range(2000)]
    assert len(set(made)) == 2000
    assert all(re.fullmatch(r"[0-9a-f]{24}", one) for one in made)


def test_object_ids_of_one_process_share_their_middle_and_count_up() -> None:
    first, second = ids.object_id(), ids.object_id()
    assert first[8:18] == second[8:18]
    assert (int(second[18:], 16) - int(first[18:], 16)) % 2**24 == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of threads that pytest's plug-ins may have
def test_a_fork_makes_ids_of_its_own() -> None:
    ours = ids.object_id()
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(write, ids.object_id().encode())
        os._exit(0)
    os.waitpid(pid, 0)
    theirs = os.read(read, 100).decode()
    os.close(read)
    os.close(write)
    assert len(theirs) == 24
    assert theirs[8:18] != ours[8:18]


def test_request_ids_do_not_repeat() -> None:
    assert ids.request_id() != ids.request_id()


def test_a_traceparent_has_the_shape_of_the_standard() -> None:
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", ids.traceparent())


def test_a_child_keeps_the_trace_and_changes_the_parent() -> None:
    parent = ids.traceparent()
    child = ids.child_traceparent(parent)
    assert ids.trace_id(child) == ids.trace_id(parent) != ""
    assert child.split("-")[2] != parent.split("-")[2]
    assert child.split("-")[3] == "01"


def test_a_malformed_parent_begins_a_new_trace() -> None:
    for wrong in ("", "nonsense", "00-short-b7ad6b7169203331-01", "00-a-b-c-d"):
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", ids.child_traceparent(wrong))
        assert ids.trace_id(wrong) == ""
