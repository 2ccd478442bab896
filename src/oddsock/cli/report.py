"""`oddsock report`: write a case's report, verify it, share it."""

from typing import TYPE_CHECKING, Annotated

import typer

from oddsock.cli.options import SHOP, STACK, Case, Json, Name

if TYPE_CHECKING:
    from oddsock.drill.case import Case as DrillCase

EXAMPLES = """Examples:

\b
  oddsock report                        of the latest case; prints where it stands
  oddsock report CASE --verify          recomputes every figure; 1 on any difference
  oddsock report --share --to team@example.org --smtp mail.example.org:25
"""

TEAM = "team@sock-shop.invalid"


def command(
    case: Case = "",
    verify: Annotated[bool, typer.Option("--verify", help="Recompute every figure from the evidence.")] = False,
    share: Annotated[bool, typer.Option("--share", help="Mail it, with an invitation to the post-mortem.")] = False,
    to: Annotated[str, typer.Option(help="Who gets it, separated by commas.", metavar="ADDRESSES")] = TEAM,
    smtp: Annotated[
        str, typer.Option(help="Mail server; else the mailbox of the stack.", metavar="HOST:PORT", show_default=False)
    ] = "",
    post_mortem: Annotated[
        str,
        typer.Option(help="When; else the second working day, 10:00 UTC.", metavar="TIME", show_default=False),
    ] = "",
    matrix: Annotated[
        str,
        typer.Option(
            help="A matrix's folder; else that of the plan, if there is one.", metavar="DIR", show_default=False
        ),
    ] = "",
    name: Name = STACK,
    json: Json = False,
) -> None:
    """Write, verify or share a case's report.

    From its evidence, as Markdown, HTML, JSON and JUnit.
    """
    from oddsock.cli import screen
    from oddsock.drill.case import find_case
    from oddsock.drill.report import verify_report, write_report
    from oddsock.kit.errors import EXIT_ODD
    from oddsock.kit.settings import home

    found = find_case(home(), case or None)
    if verify:
        differences = verify_report(found)
        if json:
            screen.say_json({"case": found.name, "differences": differences})
        for line in [] if json else differences or [f"Every figure of {found.name} recomputes from its evidence."]:
            screen.say(line)
        raise typer.Exit(EXIT_ODD if differences else 0)
    _take_matrix(found, matrix)
    path = write_report(found)
    if share:
        _share(found, [one.strip() for one in to.split(",") if one.strip()], smtp, post_mortem, name)
        path = write_report(found)
    if json:
        from oddsock.cli.summary import summarise

        screen.say_json(summarise(found))
    else:
        screen.say(f"report: {path}")


def _take_matrix(case: "DrillCase", told: str) -> None:
    """Keep the table of the matrix *told*, else of the case's plan, in *case*; UsageError when *told* holds none."""
    from pathlib import Path

    from oddsock.drill.report.remedies import FILE
    from oddsock.kit.errors import UsageError
    from oddsock.kit.files import write_whole
    from oddsock.kit.settings import home

    path = (Path(told) if told else home() / "matrices" / case.meta.plan) / FILE
    if path.is_file():
        write_whole(case.path / FILE, path.read_text(encoding="utf-8"))
    elif told:
        raise UsageError(f"{told} holds no {FILE}.", "`oddsock matrix PLAN` says where it wrote one.")


def _share(case: "DrillCase", to: list[str], smtp: str, post_mortem: str, name: str) -> None:
    from oddsock.cli import screen
    from oddsock.cli.healing import open_cluster
    from oddsock.cli.running import run_to_end
    from oddsock.cli.target import Wanted
    from oddsock.clients.kubernetes.objects import ServiceDoor
    from oddsock.drill.share import next_meeting, read_moment, share_report
    from oddsock.kit.clock import SystemClock
    from oddsock.kit.errors import CannotRun
    from oddsock.kit.settings import home
    from oddsock.stack.state import find

    clock = SystemClock()
    at = read_moment(post_mortem) if post_mortem else next_meeting(clock.now())

    async def find_server() -> ServiceDoor:
        if smtp:
            return ServiceDoor(smtp if "://" in smtp else f"smtp://{smtp}")
        if find(home(), name) is None:
            raise CannotRun(
                "There is no mail server: no stack is up whose mailbox would take the report.",
                "Name one with --smtp HOST:PORT, or start a stack with `oddsock up --detach`.",
            )
        async with open_cluster(Wanted(name=name, kubeconfig="", context="", namespace=SHOP)) as cluster:
            return await cluster.service_url("mailbox", "smtp")

    async def send() -> None:
        said = await share_report(case, case.meta.plan, await find_server(), to, at, "oddsock@localhost", clock)
        screen.note(
            f"{said['server']} accepted it for {', '.join(to)}; the post-mortem is on {said['post_mortem_at']}."
        )

    run_to_end(send())
