"""Which containers may be forked: those of images that say so, run by this interpreter, told nothing before."""

import sys
from pathlib import Path

import pytest

from oddsock.cluster.containers import Command, can_be_forked
from oddsock.cluster.images import Entry, Images, Program, preload_of

WARM = Program(command=[sys.executable, "-m", "shop", "orders"], preload=["shop.service", "shop.orders"])
COLD = Program(command=["python"], preload=["shop.service"])
IMAGES: dict[str, Entry] = {"shop/orders": WARM, "shop/*": ["run"], "pay": COLD}


def test_an_image_with_a_preload_is_warm_and_has_its_command_all_the_same() -> None:
    images = Images(IMAGES)
    assert images.entry_point("shop/orders:1") == WARM.command
    assert [images.is_warm(image) for image in ("shop/orders:1", "shop/carts:1", "foreign")] == [True, False, False]


def test_a_module_that_many_images_name_is_preloaded_once() -> None:
    assert preload_of(IMAGES) == ["shop.service", "shop.orders"]


@pytest.mark.parametrize(
    ("arguments", "environment", "can"),
    [
        ([sys.executable, "-m", "shop", "orders"], {"PYTHONUNBUFFERED": "1"}, True),
        ([sys.executable, "-m", "shop"], {"PYTHONPATH": "/same"}, True),
        ([sys.executable, "-m", "shop"], {"PYTHONPATH": "/other"}, False),
        ([sys.executable, "-m", "shop"], {"PYTHONHASHSEED": "1"}, False),
        ([sys.executable, "-c", "1"], {}, False),
        ([sys.executable, "-m"], {}, False),
        (["/another/python", "-m", "shop"], {}, False),
    ],
)
def test_a_command_is_forked_only_when_an_executed_one_would_be_the_same(
    arguments: list[str], environment: dict[str, str], can: bool
) -> None:
    assert can_be_forked(Command(arguments, environment, Path()), {"PYTHONPATH": "/same"}) is can
