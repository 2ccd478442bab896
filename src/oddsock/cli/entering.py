"""The way into a console: a link from the one of a stack, or one that this terminal serves."""

import asyncio
import secrets
import webbrowser

from oddsock.cli import screen
from oddsock.cli.running import run_to_end
from oddsock.kit.errors import CannotRun, Unreachable
from oddsock.kit.settings import home
from oddsock.stack.state import StackState, find, folder

LINK_S_MAX = 15.0
"""How long a console may take to give a link; the first caller waits for its start."""


def enter(name: str, open_: bool, here: bool, port: int, json: bool) -> None:
    """Print (and with *open_* open) a link into the console of stack *name*, or serve one when none is up or *here*."""
    state = None if here else find(home(), name)
    if state is None:
        asyncio.run(_serve(open_, port, json))
        return
    if not state.console:
        raise CannotRun(
            f"Stack {name} was started with --no-console.", "`oddsock console --here` shows the cases without it."
        )
    _say(run_to_end(_ask_link(state)), open_, json)


def _say(link: str, open_: bool, json: bool) -> None:
    if json:
        screen.say_json({"console": link})
    else:
        screen.say(link)
    if open_ and not webbrowser.open(link):
        screen.note("No browser could be opened; open the link by hand.")


async def _ask_link(state: StackState) -> str:
    import aiohttp

    from oddsock.kit import http
    from oddsock.stack.console import read_key

    key = read_key(folder(home(), state.name))
    url = f"{state.console}/enter/links"
    try:
        async with (
            http.session(LINK_S_MAX) as session,
            session.post(url, headers={"Authorization": f"Bearer {key}"}) as answer,
        ):
            if answer.status != 200:
                raise CannotRun(f"The console at {state.console} gives no link: {(await answer.text()).strip()}")
            return state.console + str((await answer.json())["path"])
    except (aiohttp.ClientError, TimeoutError, OSError) as cause:
        raise Unreachable(
            "The console", state.console, cause, f"See {folder(home(), state.name)}/console.log."
        ) from cause


async def _serve(open_: bool, port: int, json: bool) -> None:
    from oddsock.console.server import serve
    from oddsock.console.settings import Settings

    first_link = secrets.token_urlsafe(18)
    settings = Settings(home=str(home()), key="", first_link=first_link, port=port)

    def tell(bound: int) -> None:
        _say(f"http://127.0.0.1:{bound}/enter?link={first_link}", open_, json)
        screen.note("Ctrl-C ends it.")

    await serve(settings, tell)
