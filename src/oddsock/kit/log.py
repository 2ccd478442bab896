"""Our own log: one JSON object a line on stderr. The shop's line formats stand in shop/log_lines."""

import logging
import sys

import msgspec

from oddsock.kit.clock import SystemClock, iso
from oddsock.kit.mask import mask_cards

_clock = SystemClock()


class JsonLines(logging.Formatter):
    """Renders a record as {"at","level","logger","message",...fields}; fields come from `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON, card numbers masked."""
        entry: dict[str, object] = {
            "at": iso(_clock.now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry.update(getattr(record, "fields", {}))
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return mask_cards(msgspec.json.encode(entry, enc_hook=str).decode())


def configure(level: str = "INFO") -> None:
    """Send this process's log to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
