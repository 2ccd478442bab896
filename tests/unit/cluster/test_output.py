"""What a process says reaches its log and its listeners, and nobody who does not read makes the house burst."""

from oddsock.cluster.curl_names import curl_config
from oddsock.cluster.output import BYTES_MAX, Output


class Log:
    """A log in memory."""

    def __init__(self) -> None:
        self.chunks: list[tuple[str, bytes]] = []
        self.is_closed = False

    def write(self, stream: str, data: bytes) -> None:
        """Keep *data*."""
        self.chunks.append((stream, data))

    def close(self) -> None:
        """Note the end."""
        self.is_closed = True


async def test_everything_is_logged_and_heard_in_order_until_the_end() -> None:
    log = Log()
    output = Output(log)
    output.write("stdout", b"before")
    listener = output.listen()
    output.write("stdout", b"one")
    output.write("stderr", b"two")
    output.close()
    assert [await listener.read() for _ in range(3)] == [("stdout", b"one"), ("stderr", b"two"), None]
    assert (len(log.chunks), log.is_closed) == (3, True)


async def test_the_first_listener_alone_hears_a_kept_begin_even_after_the_end() -> None:
    output = Output(keeps_first=True)
    output.write("stdout", b"begin")
    output.close()
    first, second = output.listen(), output.listen()
    assert [await first.read(), await first.read(), await second.read()] == [("stdout", b"begin"), None, None]


async def test_a_listener_that_may_ask_pauses_a_process_it_cannot_follow() -> None:
    told: list[str] = []
    output = Output()
    listener = output.listen(lambda: told.append("full"), lambda: told.append("room"))
    output.write("stdout", bytes(BYTES_MAX))
    output.write("stdout", b"more")
    assert told == ["full", "full"]
    await listener.read()
    assert told == ["full", "full", "room"]
    assert await listener.read() == ("stdout", b"more")


async def test_a_listener_that_may_not_ask_is_cut_off() -> None:
    output = Output()
    listener = output.listen()
    output.write("stdout", bytes(BYTES_MAX))
    output.write("stdout", b"lost")
    assert listener.is_cut
    await listener.read()
    assert await listener.read() is None


async def test_a_listener_that_was_forgotten_hears_nothing_more() -> None:
    output = Output()
    listener = output.listen()
    output.forget(listener)
    output.write("stdout", b"unheard")
    output.close()
    listener.end()
    assert await listener.read() is None


def test_curl_is_led_to_every_name_of_a_service_and_to_its_cluster_ip() -> None:
    text = curl_config("sock-shop", ["payment:80 127.0.0.1:24001 10.96.100.12", "headless:80 127.0.0.1:24002 None"])
    assert [line.split('"')[1] for line in text.splitlines()] == [
        "payment:80:127.0.0.1:24001",
        "payment.sock-shop:80:127.0.0.1:24001",
        "payment.sock-shop.svc:80:127.0.0.1:24001",
        "payment.sock-shop.svc.cluster.local:80:127.0.0.1:24001",
        "10.96.100.12:80:127.0.0.1:24001",
        "headless:80:127.0.0.1:24002",
        "headless.sock-shop:80:127.0.0.1:24002",
        "headless.sock-shop.svc:80:127.0.0.1:24002",
        "headless.sock-shop.svc.cluster.local:80:127.0.0.1:24002",
    ]
