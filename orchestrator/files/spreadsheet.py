"""Text in the cells of CSV files that people open in spreadsheets.

Rule of this file: text that a spreadsheet would take for a formula stands behind an apostrophe, and what would steer a
terminal in which the file is shown is taken out; numbers are left alone.

Source: OWASP, "CSV Injection": the characters that begin a formula, their full-width forms included.
"""

import unicodedata

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """Return text that no spreadsheet computes and no terminal obeys."""
    kept = "".join(c for c in text if c in "\t\r\n" or unicodedata.category(c) != "Cc")
    return f"'{kept}" if kept.startswith(_BEGINNINGS) else kept
