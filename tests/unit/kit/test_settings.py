"""Settings: what a process is told by its environment."""

from pathlib import Path

import pytest

from oddsock.kit import settings


def test_home_is_what_the_environment_says() -> None:
    assert settings.home({"ODDSOCK_HOME": "/data/odd sock"}) == Path("/data/odd sock")


def test_home_is_in_the_users_state_folder_otherwise() -> None:
    assert settings.home({"XDG_STATE_HOME": "/state"}) == Path("/state/oddsock")
    assert settings.home({}) == Path("~/.local/state/oddsock").expanduser()


def test_a_relative_home_becomes_absolute() -> None:
    assert settings.home({"ODDSOCK_HOME": "here"}) == Path.cwd() / "here"


def test_a_container_port_is_bound_where_the_kubelet_says() -> None:
    environment = {"ODDSOCK_PORTS": "8080=127.0.0.1:41234,25=127.0.0.2:41235"}
    assert settings.listen_address(8080, environment) == ("127.0.0.1", 41234)
    assert settings.listen_address(25, environment) == ("127.0.0.2", 41235)


def test_an_unnamed_port_is_bound_on_loopback() -> None:
    assert settings.listen_address(8080, {"ODDSOCK_PORTS": "25=127.0.0.1:41235"}) == ("127.0.0.1", 8080)
    assert settings.listen_address(8080, {"ODDSOCK_BIND": "0.0.0.0"}) == ("0.0.0.0", 8080)


def test_speed_is_one_unless_said() -> None:
    assert settings.speed({}) == 1.0
    assert settings.speed({"ODDSOCK_SPEED": "30"}) == 30.0


@pytest.mark.parametrize(
    ("value", "on"), [("on", True), ("True", True), (" 1 ", True), ("yes", True), ("off", False), ("", False)]
)
def test_a_switch_is_on_when_it_says_so(value: str, on: bool) -> None:
    assert settings.switch("RETRY", not on, {"RETRY": value}) is on


@pytest.mark.parametrize("default", [True, False])
def test_an_absent_switch_is_at_its_default(default: bool) -> None:
    assert settings.switch("RETRY", default, {}) is default
