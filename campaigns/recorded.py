"""The recipe of a campaign on recorded measurements: look the point up."""

from instruments.driver import Command
from orchestrator.recipe import Lab, Measured, Point, Steps


def look_up(point: Point, lab: Lab) -> Steps:  # noqa: ARG001 - column headers are no Python names, so no lab.<role>
    """Ask the role `bench` what was measured at the point; column headers are the names of its settings."""
    found = yield Command("bench", "measure", dict(point))
    return Measured(found.value, details={"table_line": found.line, "replicates": found.replicates})
