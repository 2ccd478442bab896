"""Pages of the storefront: forms that only they can send, drawings, words that stay words."""

import re

import pytest

from oddsock.shop.front_end.artwork import draw
from oddsock.shop.front_end.layout import POLICY, STATIC, TEMPLATES, render
from oddsock.shop.front_end.order_face import face_of, why
from oddsock.shop.front_end.sessions import Sessions
from oddsock.shop.front_end.shown import status_name
from oddsock.shop.orders.status import Status


def test_a_form_of_one_session_is_none_of_another() -> None:
    kept = Sessions(b"secret")
    mine, theirs = kept.begin(), kept.begin()
    assert kept.is_form_token(mine, kept.form_token(mine))
    assert not kept.is_form_token(mine, kept.form_token(theirs))
    assert not kept.is_form_token(mine, "") and not kept.is_form_token(mine, "é")


@pytest.mark.parametrize("tags", [["blue", "red"], ["magic"], ["geek", "black"], [], ["sport"], ["formal"]])
def test_every_sock_is_drawn_and_the_same_one_always_the_same(tags: list[str]) -> None:
    sock = {"id": "1", "name": "A sock", "tag": tags}
    assert draw(sock) == draw(sock) and draw(sock).startswith("<svg")
    assert 'aria-label="A sock, drawn"' in draw(sock)
    assert "style=" not in draw(sock)


def test_a_name_with_markup_in_it_stays_a_name() -> None:
    sock = {"id": "1", "name": '"><script>x</script>', "tag": [], "price": 1.0, "description": "<b>", "count": 1}
    page = render("detail.html", sock=sock, quantity_max=9)
    assert "<script>x" not in page and "<b>" not in page and "&lt;script&gt;" in page


def test_no_page_needs_an_exception_from_its_policy() -> None:
    assert "unsafe" not in POLICY and "default-src 'none'" in POLICY
    pages = [path.read_text() for path in TEMPLATES.glob("*.html")]
    assert len(pages) > 8
    for page in pages:
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|https?://", page)
    assert all("http" not in path.read_text().replace("http://www.w3.org", "") for path in STATIC.iterdir())


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_name_and_a_meaning_for_customers(status: Status) -> None:
    assert status_name(status) and face_of("1", status, status_name(status)).sentence
    assert face_of("1", status, "x").is_final == (status in (Status.CANCELLED, Status.DELIVERED))


def test_a_cause_is_told_in_a_customers_words() -> None:
    assert why("PAYMENT_FAILED", "Read timed out") == "our payment service did not answer"
    assert why("PAYMENT_FAILED", "payment declined: amount exceeds 105.00") == "the payment was declined"
    assert why("PENDING", "retry") == "tried again"
