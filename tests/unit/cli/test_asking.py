"""Which suspected re-attempts a person lets charge."""

import pytest

from oddsock.cli import asking
from oddsock.cli.watching import Nobody
from oddsock.drill.mend_action import Question

QUESTION = Question(order_ids=["o1", "o2", "o3"], cents=[2214, 2214, 10498])


@pytest.mark.parametrize(("chosen", "charged"), [("all", ["o1", "o2", "o3"]), ("latest", ["o3"]), ("none", [])])
def test_an_answer_says_which_orders_of_a_chain_are_charged(chosen: str, charged: list[str]) -> None:
    assert [order for order, yes in asking.read_answer(QUESTION, chosen).items() if yes] == charged
    assert set(asking.read_answer(QUESTION, chosen)) == {"o1", "o2", "o3"}


async def test_what_is_no_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["perhaps", " LATEST "])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(said))
    assert await asking.ask_on_terminal(Nobody())([QUESTION]) == {"o1": False, "o2": False, "o3": True}
