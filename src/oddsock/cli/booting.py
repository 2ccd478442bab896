"""Boot a stack for a user: wait for it, say where it is, stay with it if it is the terminal's."""

import signal
from types import FrameType
from typing import NamedTuple, cast

from oddsock.cli import screen
from oddsock.cli.up_order import UpOrder
from oddsock.kit.errors import Interrupted
from oddsock.kit.settings import home
from oddsock.stack.boot import Network, Stack, Wish
from oddsock.stack.state import DEFAULT_NAME, as_document

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def boot(order: UpOrder) -> None:
    """Start the stack that *order* wants; a signal takes down what must not stay, then Interrupted says so."""
    remedied = _read_remedies(order.remedies)
    wish = Wish(
        speed=order.speed,
        port=order.port,
        kept_by="itself" if order.detach else "terminal",
        forks=not order.no_zygote,
        network=cast(Network, order.network),
        switches={"DIALECT": order.dialect, "ORDER_PROFILE": order.profile, **remedied.switches},
        telemetry=not order.no_telemetry,
        alerts=not order.no_alerts,
        log_pipeline=order.log_pipeline or remedied.log_pipeline,
        to_datadog=order.ship_to_datadog,
        console=not order.no_console,
    )
    told = "Nothing is left running." if order.detach else f"Stack {order.name} is down."
    received: list[signal.Signals] = []

    def note(number: int, frame: FrameType | None) -> None:
        # Not raised here: it would come between the start of a process and the note that it must be ended.
        received.append(signal.Signals(number))

    def go_on() -> None:
        if received:
            raise Interrupted(f"Stopped by {received[0].name}.", told)

    for number in SIGNALS:
        signal.signal(number, note)
    stack = Stack.start_blocking(home(), order.name, wish, go_on)
    if order.detach:
        _show(stack, order.json)
        return
    try:
        _show(stack, order.json)
        screen.note("Ctrl-C takes it down.")
        stack.wait_for_end_blocking(go_on)
    finally:
        stack.stop()


class _Remedied(NamedTuple):
    """What the remedies of the line ask of a stack."""

    switches: dict[str, str]
    log_pipeline: bool


def _read_remedies(told: str) -> _Remedied:
    if not told:
        return _Remedied({}, False)
    # Not before somebody asks: no other start needs the drill.
    from oddsock.drill.remedies import boot_switches, merge_switches, read_remedies

    rows = read_remedies(told)
    return _Remedied(boot_switches(merge_switches(rows)), "pipelines" in {row.telemetry for row in rows})


def _show(stack: Stack, json: bool) -> None:
    state = stack.state
    if json:
        screen.say_json(as_document(state))
        return
    screen.say(f"Stack {state.name} is up at speed {state.speed:g} (network mode {state.mode}).")
    screen.say(f"storefront  {state.storefront}")
    screen.say(f"kubeconfig  {state.kubeconfig}")
    if state.telemetry:
        screen.say(f"telemetry   {state.telemetry}")
    if stack.first_link:
        screen.say(f"console     {stack.first_link}")
    suffix = "" if state.name == DEFAULT_NAME else f" --name {state.name}"
    screen.say(f'kubectl     eval "$(oddsock env{suffix})" && kubectl -n {state.namespace} get pods')
