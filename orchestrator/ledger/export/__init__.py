"""A campaign as files for other tools: a table of runs, lossless JSON lines, Parquet tables, a research object.

Knows formats; reads a ledger, and of all of it changes nothing.
"""

from orchestrator.ledger.export.formats import FORMATS, export
from orchestrator.ledger.export.jsonl import import_jsonl, write_jsonl
from orchestrator.ledger.export.runs_csv import write_runs_csv

__all__ = ["FORMATS", "export", "import_jsonl", "write_jsonl", "write_runs_csv"]
