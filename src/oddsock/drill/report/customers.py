"""Section 8: what each customer got - the answer, the screen, the notices - order by order."""

from oddsock.drill.operation import Attempt
from oddsock.drill.report.context import Context
from oddsock.drill.report.orders import shown_label
from oddsock.drill.report.rows import CustomerView, Moment


def list_customers(context: Context) -> list[CustomerView]:
    """Every customer who ordered while the fault was in force, in the order they first did."""
    registered = {entry.actor.partition(":")[2]: entry.at for entry in context.files.entries("register", "ok")}
    views = []
    for username in dict.fromkeys(attempt.username for attempt in context.window_attempts):
        tries = [attempt for attempt in context.window_attempts if attempt.username == username]
        at = registered.get(username, "")
        views.append(
            CustomerView(
                username=username,
                customer_id=tries[0].customer_id,
                registered_at=at,
                registered_during=bool(at and context.window and context.window.holds(at)),
                moments=[_moment(context, attempt) for attempt in tries],
            )
        )
    return views


def spell_answer(attempt: Attempt) -> str:
    """What came back for an attempt, in words."""
    if attempt.http_status is None:
        return f"no answer ({attempt.error})" if attempt.error else "no answer"
    seen = f"“{attempt.message}”" if attempt.message else "an empty message area"
    return f"HTTP {attempt.http_status}, {seen}"


def _moment(context: Context, attempt: Attempt) -> Moment:
    order_id = context.order_of_attempt.get(attempt.operation, "")
    last = context.evidence(context.last)
    return Moment(
        order_id=order_id,
        at=attempt.invoked_at,
        answer=spell_answer(attempt),
        screen_during=shown_label(context.evidence("during"), order_id),
        screen_after=shown_label(context.evidence(context.after), order_id),
        notices=[f"{row.subject} ({row.at})" for row in last.notices.rows if row.order_id == order_id] if last else [],
    )
