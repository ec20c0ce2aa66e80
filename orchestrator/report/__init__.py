"""The report: one page that says what a campaign came to and shows how, with every picture inside it.

Knows the ledger's state, the planner's predictions and how to draw them.
Must not know instruments or any laboratory; a campaign's own figures are handed in as functions.
The same ledger gives the same bytes: no date of today, no chance, no network, no script.
"""

from orchestrator.report.page import write_report

__all__ = ["write_report"]
