"""Text in the cells of CSV files that people open in spreadsheets.

Rule of this file: text that a spreadsheet would take for a formula stands behind an apostrophe; numbers are left alone.

Source: OWASP, "CSV Injection": the characters that begin a formula, their full-width forms included.
"""

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """Return text that no spreadsheet computes."""
    return f"'{text}" if text.startswith(_BEGINNINGS) else text
