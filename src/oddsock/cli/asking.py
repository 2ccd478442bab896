"""Asks a person on a terminal which suspected re-attempts are charged."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import typer

from oddsock.cli.watching import Watcher
from oddsock.drill.mend_action import Question

CHOICES = ("all", "latest", "none")


def ask_on_terminal(watcher: Watcher) -> Callable[[Sequence[Question]], Awaitable[dict[str, bool]]]:
    """A function that asks one question after the other, with *watcher*'s progress out of the way meanwhile."""

    async def ask(questions: Sequence[Question]) -> dict[str, bool]:
        with watcher.paused():
            answers: dict[str, bool] = {}
            for question in questions:
                # In a thread: a signal must still reach the event loop while a person thinks.
                chosen = await asyncio.to_thread(_ask_one, question)
                answers |= read_answer(question, chosen)
        return answers

    return ask


def _ask_one(question: Question) -> str:
    typer.echo(question.text)
    while True:
        chosen = str(typer.prompt("/".join(CHOICES), default="none")).strip().lower()
        if chosen in CHOICES:
            return chosen


def read_answer(question: Question, chosen: str) -> dict[str, bool]:
    """Order id to whether it is charged, for one of CHOICES."""
    last = question.order_ids[-1]
    return {one: chosen == "all" or (chosen == "latest" and one == last) for one in question.order_ids}
