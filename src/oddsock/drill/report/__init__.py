"""The incident report: facts from the case folder, rendered as Markdown, HTML, JSON and JUnit, and verified again."""

from oddsock.drill.report.writer import verify_report, write_report

__all__ = ["verify_report", "write_report"]
