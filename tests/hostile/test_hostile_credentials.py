"""The password of a shared ledger: wherever it may be written wrongly, it is told to nobody."""

import json
import re
from pathlib import Path

import pytest
from trial import ask, contents
from worlds import CONFIG, write_config

from orchestrator.address import address, without_password
from orchestrator.cli import check, emulate, main, replay, screen
from orchestrator.config import load

SECRETS = {
    "plain": "s3cret",
    "with an at sign": "s3cr@et",
    "with a colon": "s3cr:et",
    "with a slash": "s3cr/et",
    "with a hash": "s3cr#et",
    "with a question mark": "s3cr?et",
    "with a blank": "s3cr et",
    "with quotes": "s3cr'\"et",
    "encoded": "s3cr%40et",
    "badly encoded": "s3cr%zzet",
    "of digits": "53cr37",
    "long": "s3cret" * 300,
    "not ASCII": "s3crét",
}
WAYS = (
    "postgresql://ann:{0}@127.0.0.1:1/lab#x",
    "postgresql://127.0.0.1:1/lab?password={0}&user=ann#x",
    "postgres://ann:{0}@127.0.0.1:1/lab",
    "postgresql://ann:{0}@127.0.0.1:x/lab",
    "mysql://ann:{0}@127.0.0.1:1/lab",
)


def told(text: str, secret: str) -> bool:
    """Return whether a text has the secret, or a part that it was cut into."""
    parts = [part for part in re.split(r"[@:/#? '\"%]", secret) if len(part) > 3]
    return any(part[:6] in text for part in [secret, *parts])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_password_of_a_ledger_is_told_by_no_command(
    tmp_path: Path, secret: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """65 addresses, most of which cannot be used: typed as words, as settings without "=", and in the file."""
    monkeypatch.chdir(tmp_path)
    url = way.format(secret)
    write_config(tmp_path, CONFIG + f"ledger: {json.dumps(url)}\n")
    (tmp_path / "plain.yaml").write_text(CONFIG)
    (tmp_path / "list.yaml").write_text(CONFIG + f"ledger: [{json.dumps(url)}]\n")
    (tmp_path / "key.yaml").write_text(CONFIG + f"{json.dumps(url)}: 1\n")
    (tmp_path / "data.yaml").write_text(CONFIG + f"data: {{initial: {json.dumps(url)}}}\n")
    asked = [
        ask(main, "tiny.yaml", "--out", "out", "--runs", "1"),
        ask(main, "list.yaml", "--check"),
        ask(main, "key.yaml", "--check"),
        ask(main, "data.yaml", "--check"),
        ask(main, "plain.yaml", "--set", url, "--set", "a=1"),
        ask(main, "plain.yaml", url),
        ask(main, url),
        ask(main, "plain.yaml", "--set", f"ledger.x={url}"),
        ask(main, "plain.yaml", "--runs", url),
        ask(replay, url),
        ask(replay, url, "--import", "x.jsonl"),
        ask(replay, "x.sqlite", "--diff", url, url),
        ask(replay, "x.sqlite", "--import", url),
        ask(screen, "plain.yaml", url),
        ask(check, "plain.yaml", url),
        ask(emulate, "plain.yaml", url),
    ]
    for answer in asked:
        assert answer.status in (2, 3), answer
        assert "Traceback" not in answer.err
        assert not told(answer.out + answer.err, secret), answer
    assert not [name for name in contents(tmp_path) if name.startswith(("out/", "runs"))]


@pytest.mark.parametrize("secret", ["s3cret", "s3cr%40et%3Ax%2Fy%23", "%73%33cret", "s3cr'et"])
def test_password_of_a_ledger_is_in_no_configuration_that_is_kept(tmp_path: Path, secret: str) -> None:
    """What the ledger and the report say of the configuration has the address without it."""
    path = write_config(tmp_path, CONFIG + f'ledger: "postgresql://ann:{secret}@db.lab/lab?sslmode=require"\n')
    found = load(path)
    assert found.plain["ledger"] == "postgresql://ann@db.lab/lab?sslmode=require"
    place = address(found.settings.ledger)
    assert not told(f"{place} {place!r}", secret)


@pytest.mark.parametrize(
    "text",
    [
        "cannot open postgresql://ann:s3cret@db/lab: refused",
        "two: postgresql://ann:s3cret@db/lab and postgres://bob:s3cret@db/x?password=s3cret",
        "'postgresql://ann:s3@cret@db/lab' is refused",
    ],
)
def test_password_is_taken_out_of_any_sentence(text: str) -> None:
    """And the rest of the sentence stays."""
    shown = without_password(text)
    assert "s3" not in shown
    assert shown.startswith(text.split("postgresql", maxsplit=1)[0])
    assert "ann@db/lab" in shown


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db:5432/lab#x: bob@host (process 7) is writing this ledger",
        "postgresql://ann@db:5432/x: a:b@c",
        "write it as a: b@c",
    ],
)
def test_sentence_without_a_password_stays_as_it_is(text: str) -> None:
    """A port is no password, and who writes a ledger is to be told."""
    assert without_password(text) == text
