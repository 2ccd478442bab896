"""What orders tells its log about an order: the five lines of the report and their kin, each one template.

Templates are those of the image the report ran; a Java stack is added for a real refusal only.
"""

from oddsock.shop.calls import REFUSED, NoAnswer
from oddsock.shop.correlation import Correlation
from oddsock.shop.log_lines import REFUSED_STACK, SpringLog
from oddsock.shop.orders.order import Order, payment_request_text
from oddsock.shop.orders.records import Errand
from oddsock.shop.orders.status import DISPLAY

CONTROLLER = "w.w.s.o.controllers.OrdersController"
SERVLET = "o.a.c.c.C.[.[.[/].[dispatcherServlet]"
QUEUE = "w.w.s.orders.queue.OrderQueue"
BREAKER = "w.w.s.orders.resilience.CircuitBreaker"
OUTBOX = "w.w.s.orders.outbox.Postman"
PAYMENT_AUTH_URL = "http://payment/paymentAuth"


class Narration:
    """The lines of one orders process; with *at_debug* (dialect `weave`) the steps of an order are DEBUG, not INFO."""

    def __init__(self, log: SpringLog, at_debug: bool = False) -> None:
        self._log = log
        self._at_debug = at_debug

    def _say(self, level: str, message: str, by: Correlation) -> None:
        shown = "DEBUG" if self._at_debug and level == "INFO" else level
        self._log.record(shown, CONTROLLER, message, by)

    def next_request(self) -> None:
        """A request began."""
        self._log.next_request()

    def fetching(self, by: Correlation) -> None:
        """Customer, address, card and cart are asked for; only `weave` says so."""
        if self._at_debug:
            self._say("DEBUG", "Starting calls", by)

    def fetched(self, by: Correlation) -> None:
        """They are there."""
        if self._at_debug:
            self._say("DEBUG", "End of calls.", by)

    def sending(self, order: Order, by: Correlation) -> None:
        """Profile `upstream`: the payment request goes out; there is no order yet to name."""
        self._say("INFO", f"Sending payment request: {payment_request_text(order)}", by)

    def received(self, authorised: bool, message: str, by: Correlation) -> None:
        """Profile `upstream`: payment answered."""
        self._say("INFO", f"Received payment response: {_response_text(authorised, message)}", by)

    def saved(self, order: Order, by: Correlation) -> None:
        """Profile `upstream`: the order is stored."""
        text = f"CustomerOrder{{id='{order.id}', customerId='{order.customer_id}', total={order.total}}}"
        self._say("INFO", f"Saved order: {text}", by)

    def created(self, order: Order, by: Correlation) -> None:
        """The order is stored."""
        self._say("INFO", f"Order created with ID: {order.id} and status: {DISPLAY[order.status]}", by)

    def moved(self, order: Order, by: Correlation) -> None:
        """The order came into its status; a reason makes it a warning."""
        if order.reason:
            self._say("WARN", f"Order {order.id} status updated to {order.status} due to: {order.reason}", by)
        else:
            self._say("INFO", f"Order {order.id} status updated to {order.status}", by)

    def paying(self, order: Order, by: Correlation) -> None:
        """The payment request goes out."""
        self._say("INFO", f"Sending payment request for order {order.id}: {payment_request_text(order)}", by)

    def answered(self, order: Order, authorised: bool, message: str, by: Correlation) -> None:
        """Payment answered."""
        said = _response_text(authorised, message)
        self._say("INFO", f"Received payment response for order {order.id}: {said}", by)

    def paid(self, order: Order, by: Correlation) -> None:
        """The order is PAID."""
        self._say("INFO", f"Order {order.id} payment successful, status updated to {order.status}", by)

    def adopted(self, order: Order, charge_id: str, by: Correlation) -> None:
        """A capture that exists already is taken instead of charging."""
        self._say("INFO", f"Order {order.id} is charged already by {charge_id}, nothing is charged again", by)

    def shipped(self, order: Order, by: Correlation) -> None:
        """The parcel was accepted."""
        self._say("INFO", f"Order {order.id} shipped successfully", by)

    def payment_failed(self, order: Order, cause: NoAnswer, by: Correlation) -> None:
        """Payment gave no answer: the Java text for a refusal, the plain cause for all else."""
        text = cause.text
        if cause.kind == REFUSED:
            text = (
                "org.springframework.web.client.ResourceAccessException: I/O error on POST request for "
                f'"{PAYMENT_AUTH_URL}": Connection refused (Connection refused); nested exception is '
                "java.net.ConnectException: Connection refused (Connection refused)"
            )
        self._say("ERROR", f"Payment failed for order {order.id}: {text}", by)

    def not_shipped(self, order: Order, cause: NoAnswer, by: Correlation) -> None:
        """Shipping gave no answer."""
        self._say("ERROR", f"Shipping failed for order {order.id}: {cause.text}", by)

    def parked(self, order: Order, errand: Errand, by: Correlation) -> None:
        """The order waits for its next try."""
        again = f"next attempt at {errand.due_at}"
        self._say("WARN", f"Order {order.id} is parked after attempt {errand.attempts}: {errand.cause}, {again}", by)

    def died(self, order: Order, errand: Errand, by: Correlation) -> None:
        """The order is a dead letter."""
        self._say("ERROR", f"Order {order.id} is a dead letter after {errand.attempts} attempts: {errand.cause}", by)

    def requeued(self, order: Order, by: Correlation) -> None:
        """A dead letter is tried again by hand."""
        self._say("INFO", f"Order {order.id} is queued again", by)

    def undoing(self, order: Order, cause: str, by: Correlation) -> None:
        """What was done for the order is taken back."""
        self._say("WARN", f"Order {order.id} is undone: {cause}", by)

    def not_undone(self, order: Order, cause: NoAnswer, by: Correlation) -> None:
        """It could not be taken back yet."""
        self._say("ERROR", f"Order {order.id} is not undone yet: {cause.text}", by)

    def resumed(self, count: int) -> None:
        """The start found unfinished orders."""
        self._log.record("INFO", QUEUE, f"Resuming {count} unfinished orders")

    def broke_off(self, order_id: str, cause: Exception) -> None:
        """Work on an order, or with no *order_id* a look for errands, ended in an error of our own."""
        whose = f"Work on order {order_id}" if order_id else "A look for what is due"
        self._log.record("ERROR", QUEUE, f"{whose} broke off: {type(cause).__name__}: {cause}")

    def breaker_changed(self, name: str, before: str, after: str) -> None:
        """A circuit breaker changed."""
        level = "INFO" if after == "closed" else "WARN"
        self._log.record(level, BREAKER, f"CircuitBreaker '{name}' changed state from {before} to {after}")

    def not_mailed(self, order_id: str, event: str, cause: Exception) -> None:
        """A notice could not be sent yet."""
        self._log.record("WARN", OUTBOX, f"Notice {event} of order {order_id} is not sent yet: {cause}")

    def threw(self, exception: str, message: str, cause: NoAnswer | None, by: Correlation) -> None:
        """A request ends in an error: the servlet container's record, with a stack for a refusal."""
        text = (
            "Servlet.service() for servlet [dispatcherServlet] in context with path [] threw exception "
            f"[Request processing failed; nested exception is {exception}: {message}] with root cause"
        )
        if cause is not None and cause.kind == REFUSED:
            text += f"\n\n{REFUSED_STACK}"
        elif cause is not None:
            text += f": {cause.text}"
        self._log.record("ERROR", SERVLET, text, by)


def _response_text(authorised: bool, message: str) -> str:
    return f"PaymentResponse{{authorised={str(authorised).lower()}, message={message}}}"
