"""Hold the parameter space against the tools: what the recipe would ask at its corners must be allowed.

A recipe is asked for its first command at a point, and for what can be foreseen of the later ones; nothing moves.
A space that exceeds a tool is refused, never clipped.
"""

from collections.abc import Iterator, Sequence

from instruments.driver import Action, Command, CommandRefused
from orchestrator.config import ConfigError, Configuration, Problem
from orchestrator.laboratory.foresight import foresee
from orchestrator.laboratory.laboratory import Laboratory
from orchestrator.recipe import Lab, Performance, Point, RecipeFault


def check_limits(configuration: Configuration, laboratory: Laboratory, corners: Sequence[Point]) -> Command:
    """Ask the recipe for its first command at every corner of the space and hold it against the tool.

    Args:
        configuration: The settings, and where each stands.
        laboratory: The recipe and the tools.
        corners: The outermost points that may be suggested.

    Returns:
        The first command at the first corner.

    Raises:
        ConfigError: A limit that the space exceeds, a unit the tool does not use, or a recipe that cannot begin.
    """
    problems: dict[str, Problem] = {}
    first: Command | None = None
    for point in corners:
        try:
            command = _first_command(laboratory, point)
        except RecipeFault as error:
            raise configuration.error(("recipe",), f"it cannot begin at {dict(point)}: {error}") from error
        first = first or command
        for problem in (
            *_refusals(configuration, laboratory, point, command),
            *_foreseen(configuration, laboratory, point),
        ):
            problems.setdefault(problem.message, problem)
    if problems or first is None:
        raise ConfigError(list(problems.values()) or [Problem(configuration.path, "the recipe commands nothing")])
    return first


def _first_command(laboratory: Laboratory, point: Point) -> Command:
    performance = Performance(laboratory.recipe, point, Lab(laboratory.roles))
    performance.close()
    if performance.command is None:
        message = "it ends without commanding anything"
        raise RecipeFault(message)
    if performance.command.instrument not in laboratory.roles:
        message = f"it commands {performance.command.instrument!r}, which is not in the laboratory"
        raise RecipeFault(message)
    return performance.command


def _refusals(
    configuration: Configuration, laboratory: Laboratory, point: Point, command: Command
) -> Iterator[Problem]:
    named = configuration.settings.parameters.items()
    bound = next((str(point[name]) for name, p in named if p.instrument == command.instrument), None)
    try:
        laboratory.allowing(command, bound)
    except CommandRefused as refused:
        name = _parameter_behind(point, command, str(refused))
        if name is None:
            yield Problem(configuration.source.where(("recipe",)), f"{refused} (at {dict(point)})")
        else:
            where = configuration.source.where(("parameters", name))
            yield Problem(where, f"{refused}; change the bounds of parameters.{name}")
        return
    action = laboratory.actions_of(command.instrument)[command.action]
    yield from _unit_mismatches(configuration, point, command, action)


def _foreseen(configuration: Configuration, laboratory: Laboratory, point: Point) -> Iterator[Problem]:
    """Tell now what would else be refused after the first step, on a sample that is then wasted."""
    options = configuration.settings.recipe.options
    for foreseen in foresee(laboratory, point):
        option = next((n for n, v in options.items() if foreseen.setting and v == foreseen.value), None)
        place = ("recipe",) if option is None else ("recipe", option)
        message = f"{foreseen.message}; it would be refused after {', '.join(foreseen.after)}"
        yield Problem(configuration.source.where(place), f"{'.'.join(place)}: {message}")


def _parameter_behind(point: Point, command: Command, refusal: str) -> str | None:
    """Return the parameter that the recipe passed on as the refused setting."""
    settings = [s for s in command.settings if f": {s}=" in refusal]
    return next((name for name, value in point.items() for s in settings if command.settings[s] == value), None)


def _unit_mismatches(configuration: Configuration, point: Point, command: Command, action: Action) -> Iterator[Problem]:
    """Compare units where a setting carries a parameter's name and its very value."""
    for name, value in point.items():
        for setting, given in command.settings.items():
            unit, declared = action.settings[setting].unit, configuration.settings.parameters[name].unit
            if given == value and setting.split("_")[0] == name and unit not in ("", declared):
                where = configuration.source.where(("parameters", name, "unit"))
                message = f"parameters.{name}.unit: {declared!r}, but {command.instrument} takes {setting} in {unit!r}"
                yield Problem(where, message)
