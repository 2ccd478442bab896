"""Webhooks and mail: what a transition owes is on disk before it is sent, and tried a bounded number of times.

A message may arrive twice (the process ended between sending and noting it): a webhook's `id` and a mail's Message-ID
are the same each time.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from msgspec.structs import replace

from oddsock.clients.kubernetes.objects import ServiceDoor
from oddsock.clients.mail import send_mail
from oddsock.kit.clock import Clock
from oddsock.kit.errors import CannotRun, OddsockError
from oddsock.kit.http import IDEMPOTENCY_KEY, session
from oddsock.telemetry.monitors.definition import Definition
from oddsock.telemetry.monitors.notice import describe, handles
from oddsock.telemetry.monitors.record import Message, Record
from oddsock.telemetry.monitors.states import Transition
from oddsock.telemetry.records import Event

TRIES_MAX = 4
BACKOFF_S = (1.0, 2.0, 4.0)
DEADLINE_S = 60.0
"""Wall seconds after which a message is given up, whatever its tries; also across a restart."""
ANSWER_S_MAX = 5.0
AT_ONCE_MAX = 8
OWED_MAX = 200
"""More messages than this are not kept waiting; the history says which were left out."""
SENT = "sent"
WEBHOOK, MAIL = "webhook", "mail"

_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Channels:
    """Where messages go: *webhooks* by name to a URL, mail through *mail_server* (`smtp://host:port`) to *mail_to*."""

    webhooks: Mapping[str, str] = field(default_factory=dict)
    mail_server: str = ""
    mail_to: tuple[str, ...] = ()


class Refused(CannotRun):
    """Somebody said no in a way that asking again will not change."""


class Deliveries:
    """Sends what is owed."""

    def __init__(self, record: Record, channels: Channels, clock: Clock) -> None:
        self._record = record
        self._channels = channels
        self._clock = clock

    def messages(self, monitor: Definition, transition: Transition, event: Event) -> list[Message]:
        """What *event* owes to those whom its text names; a name that the settings lack is noted as not sent."""
        made = []
        room = OWED_MAX - self._record.owed()
        for handle in handles(event.text):
            kind, _, name = handle.partition("-")
            if kind == WEBHOOK and name:
                outcome = "" if name in self._channels.webhooks else f"no webhook is named {name}"
                body = _webhook_body(monitor, transition, event)
                message = Message(channel=WEBHOOK, target=name, body=body, outcome=outcome)
            elif handle == MAIL:
                is_set = self._channels.mail_to and self._channels.mail_server
                outcome = "" if is_set else "the settings name no mail server or nobody to write to"
                body = {"id": str(event.id), "subject": event.title, "text": event.text}
                message = Message(channel=MAIL, target=",".join(self._channels.mail_to), body=body, outcome=outcome)
            else:
                continue
            if not message.outcome and room <= 0:
                message = replace(message, outcome=f"{OWED_MAX} messages wait already")
            room -= 1
            made.append(replace(message, made_ms=transition.at_ms))
        return made

    async def deliver_due(self) -> int:
        """Try what may be tried now, some of it at once; how many messages that were."""
        due = self._record.due(self._now_ms(), AT_ONCE_MAX)
        await asyncio.gather(*(self._try(message) for message in due))
        return len(due)

    async def _try(self, message: Message) -> None:
        tries = message.tries + 1
        if self._now_ms() - message.made_ms > DEADLINE_S * 1000:
            self._record.settle(message.id, message.tries, f"given up {DEADLINE_S:g} s after it was due")
            return
        try:
            await (self._post(message) if message.channel == WEBHOOK else self._mail(message))
        except Refused as refusal:
            self._record.settle(message.id, tries, str(refusal))
        except (OddsockError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as cause:
            reason = str(cause) or type(cause).__name__
            if tries >= TRIES_MAX:
                self._record.settle(message.id, tries, f"given up after {tries} tries: {reason}")
            else:
                due_ms = self._now_ms() + round(BACKOFF_S[tries - 1] * 1000)
                self._record.settle(message.id, tries, "", due_ms)
        else:
            self._record.settle(message.id, tries, SENT)

    async def _post(self, message: Message) -> None:
        url = self._channels.webhooks.get(message.target)
        if url is None:
            raise Refused(f"no webhook is named {message.target}")
        headers = {"Content-Type": "application/json", IDEMPOTENCY_KEY: message.body["id"]}
        async with (
            session(ANSWER_S_MAX) as client,
            client.post(url, data=json.dumps(message.body), headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status >= 500 or answer.status in _AGAIN:
                raise CannotRun(f"the webhook answered {answer.status}")
            if answer.status >= 300:
                raise Refused(f"the webhook answered {answer.status}")

    async def _mail(self, message: Message) -> None:
        await send_mail(
            ServiceDoor(self._channels.mail_server),
            to=self._channels.mail_to,
            subject=message.body["subject"],
            body=message.body["text"],
            message_id=f"<{message.body['id']}.monitor@oddsock.localhost>",
            clock=self._clock,
        )

    def _now_ms(self) -> int:
        return round(self._clock.now().timestamp() * 1000)


def _webhook_body(monitor: Definition, transition: Transition, event: Event) -> dict[str, Any]:
    """Datadog's default payload (id, title, body, date, last_updated, event_type, org) and what its variables name."""
    return {
        "id": str(event.id),
        "title": event.title,
        "body": event.text,
        "date": event.at_ms,
        "last_updated": event.at_ms,
        "event_type": f"{monitor.body.type.replace(' ', '_')}_monitor",
        "org": {"id": "1", "name": "oddsock"},
        "alert_id": monitor.id,
        "alert_title": monitor.body.name,
        "alert_type": event.alert_type,
        "alert_transition": describe(transition),
        "alert_status": transition.after.value,
        "alert_scope": transition.group,
        "alert_query": monitor.body.query,
        "value": transition.value,
        "priority": monitor.body.priority,
        "tags": list(event.tags),
    }
