"""Configurations: what is wrong is said with file, line, column, value, rule and way out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import CONFIG, write_config

from orchestrator.config import ConfigError, load
from orchestrator.config.yaml_source import read_scalar, read_yaml


def refusal(folder: Path, text: str, **overrides: object) -> str:
    path = write_config(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path, {key.replace("__", "."): value for key, value in overrides.items()})
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("low: 0,", "low: 200,", r"tiny.yaml:4:3: parameters.heat: low 200 must be below high 100"),
        ("low: 0,", "low: warm,", r"tiny.yaml:4:19: parameters.heat.low: 'warm' is refused"),
        ("goal", "goal", None),
        ("campaign: tiny", "campaign: ../tiny", r"tiny.yaml:1:1: campaign: a campaign's name is a folder's name"),
        ("budget: {runs: 4}", "budget: {}", r"tiny.yaml:\d+:1: budget.runs: is missing; add it"),
        ("budget: {runs: 4}", "budget: {runs: 0}", r"budget.runs: 0 is refused: input should be greater"),
        ("budget: {runs: 4}", "budget: {rums: 4}", r"budget.rums: unknown key; did you mean 'runs'\?"),
        ("seed: 3", "seed: 3\nseed: 4", r"tiny.yaml:3:1: the key 'seed' is given twice \(first at .*tiny.yaml:2:1\)"),
        ("seed: 3", "seed: !!python/object/apply:os.system ['true']", r"tag .* is not allowed"),
        ("seed: 3", "seed: [", r"tiny.yaml:\d+:\d+: not valid YAML"),
        (
            "recipe: worlds:bake_and_weigh",
            "recipe: worlds",
            r"recipe: 'worlds' names no function; write it as package.module:function",
        ),
        ("bottleneck: oven", "bottleneck: stove", r"bottleneck 'stove' is not among the instruments oven, scale"),
        ("{unit: K, low: 0, high: 100}", "{unit: K}", r"tiny.yaml:4:3: parameters.heat: needs low and high"),
        ("name: mass, ", "", r"objective.name: is missing"),
        ("seed: 3", "seed: 3\ndata: {source: none.csv}", r"tiny.yaml:3:8: data.source: no such file: .*none.csv"),
        ("seed: 3", "seed: 3\ndata: {source: .}", r"tiny.yaml:3:8: data.source: a folder: /"),
        ("seed: 3", "seed: 3\ndata: {initial: /dev/null}", r"tiny.yaml:3:8: data.initial: a pipe or a device: /dev"),
    ],
)
def test_config_error_names_place_value_and_rule(tmp_path: Path, old: str, new: str, expected: str | None) -> None:
    """Each message begins with the place and says the rule."""
    if expected is None:
        assert load(write_config(tmp_path)).settings.campaign == "tiny"
        return
    with pytest.raises(ConfigError, match=expected):
        load(write_config(tmp_path, CONFIG.replace(old, new)))


def test_config_reports_several_errors_at_once(tmp_path: Path) -> None:
    """A user mends everything in one go."""
    text = (
        CONFIG.replace("seed: 3", "seed: -1").replace("samples: 64", "samples: 1, kapa: 2").replace("runs: 4", "run: 4")
    )
    message = refusal(tmp_path, text)
    assert [line.split(": ")[1] for line in message.splitlines()] == [
        "seed", "planner.samples", "planner.kapa", "budget.runs", "budget.run",
    ]  # fmt: skip


def test_config_error_in_an_override_names_the_option(tmp_path: Path) -> None:
    """What was set on the command line is not blamed on the file."""
    assert refusal(tmp_path, CONFIG, budget__runs=-5).startswith("--set budget.runs: budget.runs: -5 is refused")
    assert "seed is a single value and has no 'x'" in refusal(tmp_path, CONFIG, seed__x=1)


def test_config_missing_file_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """A mistyped path is no traceback."""
    with pytest.raises(ConfigError, match="no such file; give the path of a campaign's YAML"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"- a\n- b\n", b"\x00", b"a: &x [*x]\n", b"[" * 3000])
def test_config_that_is_no_mapping_is_refused(tmp_path: Path, content: bytes) -> None:
    """Binary, empty, a list, a cycle, a tower of brackets."""
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"x\.yaml"):
        load(path)


def test_config_numbers_and_booleans_are_those_of_yaml_1_2() -> None:
    """1e-3 is a number, `no` is text, quotes keep text."""
    assert read_yaml("a: 1e-3\nb: no\nc: '1'\nd: true\ne: ~\nf: 0x10\n", "t").data == {
        "a": 1e-3, "b": "no", "c": "1", "d": True, "e": None, "f": "0x10",
    }  # fmt: skip


def test_config_aliases_that_explode_are_refused() -> None:
    """A small file cannot become a large one."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))
    with pytest.raises(ConfigError, match=r"bomb.yaml:\d+:\d+: more than 20000 values, counting each alias"):
        read_yaml(bomb, "bomb.yaml")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_config_scalar_reads_back_any_float(value: float) -> None:
    """What `repr` writes, a configuration reads."""
    assert read_scalar(repr(value)) == value


@given(st.text(max_size=200))
def test_config_any_text_is_data_or_a_clear_error(text: str) -> None:
    """Hostile text never raises anything else."""
    try:
        data = read_yaml(text, "x.yaml").data
    except ConfigError as error:
        data = [problem.where.split(":")[0] for problem in error.problems]
        assert set(data) == {"x.yaml"}


def test_config_files_are_looked_for_beside_it(tmp_path: Path) -> None:
    """A path in the YAML belongs to the YAML's folder."""
    (tmp_path / "past.csv").write_text("heat,mass\n1,2\n")
    settings = load(write_config(tmp_path, CONFIG + "data: {initial: past.csv}\n")).settings
    assert settings.data.initial == tmp_path / "past.csv"
