"""The words a customer reads, on a page and in a mail."""

import pytest

from oddsock.shop.customer_texts import CHARGED, HAPPENED, NEXT, NEXT_FAILED, SUBJECTS, Charged, mail_body, text_for


def test_every_event_has_all_of_its_words() -> None:
    assert set(HAPPENED) == set(SUBJECTS) == set(NEXT) | {"failed"}
    assert set(CHARGED) == set(NEXT_FAILED) == set(Charged)


@pytest.mark.parametrize("event", SUBJECTS)
@pytest.mark.parametrize("charged", Charged)
@pytest.mark.parametrize("total_cents", [10498, None])
def test_a_text_is_whole_sentences_in_ascii_without_gaps(event: str, charged: Charged, total_cents: int | None) -> None:
    text = text_for(event, total_cents, charged)
    assert text.line.isascii() and "{" not in text.line and "  " not in text.line
    assert all(sentence.endswith((".", "!")) for sentence in text.sentences)
    assert ("$104.98" in text.line) == (total_cents is not None)


def test_a_failed_order_never_asks_to_order_again_while_the_money_may_be_gone() -> None:
    assert "You may order again" in text_for("failed", 1999, Charged.NO).line
    for charged in (Charged.YES, Charged.UNKNOWN):
        assert "do not order again" in text_for("failed", 1999, charged).line
    assert "We do not know yet whether your card was charged." in text_for("failed", 1999).sentences


def test_an_event_that_is_certain_does_not_believe_a_doubt() -> None:
    assert text_for("paid", 1999, Charged.UNKNOWN).charged == "Your card was charged $19.99."
    assert text_for("declined", 1999, Charged.UNKNOWN).charged == "Your card was not charged."


def test_a_mail_has_the_same_sentences_and_the_orders_id() -> None:
    text = text_for("delayed", 1999)
    body = mail_body(text, "Rayaan", "690320ce")
    assert body.startswith("Dear Rayaan,\n\n") and "Order 690320ce" in body
    assert all(sentence in body for sentence in text.sentences)
