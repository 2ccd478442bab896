"""Section 14: the hand-written report's twelve recommendations, and what this run can honestly say of each: nothing."""

from oddsock.drill.report.rows import Remedy

NOT_MEASURED = "not measured in this run"

_RECOMMENDED = (
    ("Immediate", "Implement Retry Logic", "exponential back-off for payment calls"),
    ("Immediate", "Add Circuit Breaker", "prevent cascading failures"),
    ("Immediate", "Fix UI Error Display", "customers see payment errors at once"),
    ("Immediate", "Fix UI Caching", "show the real status (it is a constant label, not a cache)"),
    ("Short-term", "Idempotent Payments", "keys that prevent double charges"),
    ("Short-term", "Payment Queue", "payment later, from a retry queue"),
    ("Short-term", "Enhanced Monitoring", "alerts on payment's availability"),
    ("Short-term", "User Notifications", "mail about a failed payment"),
    ("Long-term", "Saga Pattern", "compensate what was half done"),
    ("Long-term", "Event Sourcing", "an audit trail of every transition"),
    ("Long-term", "Payment Gateway Integration", "webhooks for a late payment status"),
    ("Long-term", "Datadog Log Pipeline", "a parser for the Spring Boot lines"),
)


def list_remedies() -> list[Remedy]:
    """All twelve in the order of the hand-written report; their worth is measured by a remedy matrix, not by this."""
    return [
        Remedy(n=n, term=term, name=name, asks=asks, state=NOT_MEASURED)
        for n, (term, name, asks) in enumerate(_RECOMMENDED, start=1)
    ]
