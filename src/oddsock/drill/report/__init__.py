"""The incident report: facts from the case folder, rendered as Markdown, HTML, JSON and JUnit, and verified again."""

from oddsock.drill.report.writer import make_report, verify_report, write_report

__all__ = ["make_report", "verify_report", "write_report"]
