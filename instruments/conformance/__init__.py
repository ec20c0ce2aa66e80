"""What any driver must pass, whoever wrote it: the protocol as questions with an answer of yes or no.

Knows the driver protocol alone. Must not know any one driver, nor the loop.
"""

from instruments.conformance.examination import examine
from instruments.conformance.still import halt
from instruments.conformance.subject import Finding, Subject, Verdict

__all__ = ["Finding", "Subject", "Verdict", "examine", "halt"]
