"""What the house tests share: every source file of the project, read and parsed once."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file: where it stands, its dotted module name, its text and its tree."""

    path: Path
    module: str
    text: str
    tree: ast.Module

    @property
    def shown(self) -> str:
        """The path as a person writes it, from the root of the checkout."""
        return str(self.path.relative_to(ROOT))


def _read(path: Path, base: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    parts = list(path.relative_to(base).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return Source(path, ".".join(parts), text, ast.parse(text, filename=str(path)))


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def product() -> list[Source]:
    """Every Python file of the product."""
    return [_read(path, ROOT / "src") for path in sorted((ROOT / "src").rglob("*.py"))]


@pytest.fixture(scope="session")
def sources(product: list[Source]) -> list[Source]:
    """Every Python file of the product and of its tests."""
    return [*product, *(_read(path, ROOT) for path in sorted((ROOT / "tests").rglob("*.py")))]
