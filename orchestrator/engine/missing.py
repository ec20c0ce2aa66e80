"""Which further objectives a recipe does not return: a misspelt name is no error, and no run would ever show it."""

from orchestrator.display.wording import clean
from orchestrator.ledger import Run, State
from orchestrator.objective.merit import Merit


def missing(state: State, run: Run) -> str:
    """Return what to say of a run that has just ended: of the first measured one without a further objective; else "".

    Args:
        state: What the ledger says, that run included.
        run: The run.
    """
    merit = Merit.recorded((state.opened or {}).get("configuration", {}))
    names = merit.missing(run.details) if run.status == "measured" else []
    if not names:
        return ""
    before = [other for other in state.finished if other is not run and other.status == "measured"]
    lacking = [repr(clean(name)) for name in names if all(name not in merit.missing(other.details) for other in before)]
    if not lacking:
        return ""
    returned = ", ".join(clean(name, 40) for name in run.details) or "nothing beside its value"
    what = "a further objective" if len(lacking) == 1 else "further objectives"
    told_of = f"the recipe has returned no number {' or '.join(lacking)}, {what}"
    return f"run {run.number}: {told_of}; it has returned {returned}"
