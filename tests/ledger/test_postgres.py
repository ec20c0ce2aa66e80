"""What a shared laboratory needs beyond what a file gives: two hosts, a server that goes, passwords, many campaigns."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from postgres_server import Server, connected
from worlds import write_config

from orchestrator.address import Address, address
from orchestrator.campaign import Campaign
from orchestrator.cli import main
from orchestrator.display.watcher import Silent
from orchestrator.ledger import Event, Kind, Ledger, LedgerError, LedgerLocked, LedgerRefused, State
from orchestrator.ledger.postgres import campaigns

pytestmark = pytest.mark.postgres
TESTS = Path(__file__).parent.parent
WHEN: dict[str, Any] = {"lab_s": 0.0, "utc": "2026-01-01T00:00:00+00:00", "origin": "simulated"}
OPENED = {
    "format": 1,
    "epoch": "2026-01-01T00:00:00+00:00",
    "configuration": {"parameters": {"x": {}}, "objective": {"name": "y"}},
}
PASSWORD = "s3cret"  # noqa: S105 - it opens nothing


def begun(place: Address) -> Ledger:
    ledger = Ledger.write(place)
    ledger.append(Kind.CAMPAIGN_OPENED, OPENED, **WHEN)
    return ledger


HOST = """
import sys
from orchestrator.ledger import Ledger
ledger = Ledger.write(sys.argv[1])
print("writing", flush=True)
sys.stdin.read()
"""


def test_postgres_second_host_is_told_who_writes_and_takes_over_after_death(
    campaign_address: Address,
) -> None:
    """User, host, process and since when; when the first is killed, the server frees the lock."""
    begun(campaign_address).close()
    text = f"{campaign_address.url}#{campaign_address.campaign}"
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOST, text], **pipes) as first:
        assert first.stdout.readline() == "writing\n"
        with pytest.raises(LedgerLocked, match=rf"@.* \(process {first.pid} since 20.*Z\) is writing this ledger"):
            Ledger.write(campaign_address)
        first.kill()
    with taken_over(campaign_address) as ledger:
        ledger.append(Kind.NOTE, {"text": "the second"}, **WHEN)
        assert ledger.state.n_events == 2


def taken_over(place: Address) -> Ledger:
    for _ in range(100):
        try:
            return Ledger.write(place)
        except LedgerLocked:
            time.sleep(0.05)
    return Ledger.write(place)


def test_postgres_writer_without_its_session_gets_the_lock_again(campaign_address: Address) -> None:
    """The server ends the session: the append is refused, the next one holds the lock again, nothing is doubled."""
    with begun(campaign_address) as ledger:
        end_sessions(campaign_address)
        with pytest.raises(LedgerRefused, match="append of event 2 was refused"):
            ledger.append(Kind.NOTE, {"text": "refused"}, **WHEN)
        ledger.append(Kind.NOTE, {"text": "again"}, **WHEN)
        with pytest.raises(LedgerLocked):
            Ledger.write(campaign_address)
        assert [e.body.get("text") for e in ledger.events()] == [None, "again"]


def test_postgres_writer_that_lost_its_lock_to_another_writes_no_more(campaign_address: Address) -> None:
    """While its session was gone another host took over: that is said, and the chain is the other's."""
    with begun(campaign_address) as first:
        end_sessions(campaign_address)
        with taken_over(campaign_address) as second:
            for _ in range(2):
                with pytest.raises(LedgerError, match=r"refused|is writing this ledger"):
                    first.append(Kind.NOTE, {"text": "first"}, **WHEN)
            second.append(Kind.NOTE, {"text": "second"}, **WHEN)
            with pytest.raises(LedgerLocked, match="is writing this ledger"):
                first.append(Kind.NOTE, {"text": "first"}, **WHEN)
        with pytest.raises(LedgerError, match="append of event 2 was refused"):
            first.append(Kind.NOTE, {"text": "first"}, **WHEN)
    with Ledger.open(campaign_address) as again:
        assert [e.body.get("text") for e in again.events()] == [None, "second"]


def end_sessions(place: Address) -> None:
    with connected(Address(place.url)) as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%%(process%%'"
        )


@pytest.mark.parametrize("table", ["events", "attachments", "inbox"])
def test_postgres_refuses_truncate(campaign_address: Address, table: str) -> None:
    """Emptying a table is a change too."""
    begun(campaign_address).close()
    with connected(campaign_address) as connection, pytest.raises(sa.exc.IntegrityError, match="only ever inserted"):
        connection.exec_driver_sql(f"TRUNCATE {table}")


def test_postgres_gap_inside_one_statement_is_refused(campaign_address: Address) -> None:
    """Several rows at once are looked at one by one."""
    begun(campaign_address).close()
    rest = "kind, version, lab_s, utc, origin, run, step, body, hash"
    rows = f"INSERT INTO events SELECT n, {rest} FROM events, (VALUES (2), (4)) AS v (n)"
    with connected(campaign_address) as connection, pytest.raises(sa.exc.IntegrityError, match="seq must be"):
        connection.exec_driver_sql(rows)


def test_postgres_address_without_a_campaign_lists_those_there_are(campaign_address: Address) -> None:
    """The way out is in the message."""
    begun(campaign_address).close()
    assert campaign_address.campaign in campaigns(campaign_address)
    with pytest.raises(LedgerError, match=f"which campaign.*the database has .*{campaign_address.campaign}"):
        Ledger.open(campaign_address.url)


def test_postgres_that_does_not_answer_is_named_without_its_password() -> None:
    """The fault may pass; the password is in no message."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    with pytest.raises(LedgerRefused) as refused:
        Ledger.write("postgresql://ann:s3cret@127.0.0.1:1/lab#lipon")
    assert "postgresql://ann@127.0.0.1:1/lab#lipon" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def with_password(url: str) -> str:
    """A server on loopback trusts everyone, so any password will do."""
    return sa.make_url(url).set(password=PASSWORD).render_as_string(hide_password=False)


@pytest.fixture
def lent(campaign_address: Address) -> Iterator[dict[str, Any]]:
    """The settings that put a campaign into the database, with a password, and what they leave behind taken away."""
    yield {"campaign": campaign_address.campaign, "ledger": with_password(campaign_address.url)}
    with connected(campaign_address) as connection:
        for n in (2, 3):
            connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{campaign_address.campaign}-{n}" CASCADE')


def test_postgres_campaign_runs_begins_afresh_and_never_shows_its_password(
    tmp_path: Path, lent: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Schemas are named for campaigns, `--new` takes the next free one, and another password changes nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Campaign, "write_results", lambda _self, _ledger: None)
    config, name = write_config(tmp_path), lent["campaign"]

    def command(*words: str, ledger: str = lent["ledger"]) -> int:
        return main([str(config), *words, "--set", f"campaign={name}", f"ledger={ledger}"])

    assert command() == 0
    assert command(ledger=lent["ledger"].replace("s3cret", "0ther")) == 0
    assert "this campaign has ended" in capsys.readouterr().out
    assert command("--new", "--runs", "2") == 0
    assert command("--new", "--check") == 0
    assert command("--runs", "2", ledger=lent["ledger"] + f"#{name}-2") == 0
    said = capsys.readouterr()
    assert "this campaign has ended" in said.out
    assert f"#{name}-2" in said.out
    assert f"#{name}-3 (new)" in said.out
    everything = said.out + said.err
    for campaign in (name, f"{name}-2"):
        with Ledger.open(f"{lent['ledger']}#{campaign}") as ledger:
            everything += json.dumps([dict(e.body) for e in ledger.events()]) + str(ledger.path)
            assert ledger.state.opened["configuration"]["ledger"].startswith("postgresql://")
    assert "s3cret" not in everything
    assert not list(tmp_path.rglob("*.sqlite"))


class Stopper(Silent):
    """Stops the server after an event, and starts it when the record is said to be refused."""

    def __init__(self, server: Server) -> None:
        self.server, self.said, self.seqs = server, [], []

    def event(self, event: Event, state: State) -> None:
        """Stop it in the middle of the campaign."""
        self.seqs.append(event.seq)
        if state.n_events == 12:
            self.server.stop()

    def notice(self, text: str) -> None:
        """Start it again."""
        self.said.append(text)
        if len(self.said) == 1:
            self.server.start()


def test_postgres_server_that_goes_and_comes_back_is_waited_for(tmp_path: Path, own_server: Server) -> None:
    """The server stops in the middle of a campaign and starts again: nothing is lost, nothing is twice."""
    listener = Stopper(own_server)
    place = f"{own_server.url}#{tmp_path.name}"
    campaign = Campaign.from_yaml(write_config(tmp_path), out=tmp_path / "out", overrides={"ledger": place})
    campaign.write_results = lambda _ledger: None  # type: ignore[method-assign]  # no pictures here
    assert campaign.run(listener).stop.status == "finished"
    assert len(listener.said) == 1
    assert "is tried again in 1 s" in listener.said[0]
    with Ledger.open(place) as ledger:
        assert listener.seqs == [e.seq for e in ledger.events()][-len(listener.seqs) :]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("postgresql://ann:s3cret@db/lab#a", "postgresql://ann@db/lab#a"),
        ("postgresql://ann:s3%40cret%3Ax@db/lab", "postgresql://ann@db/lab"),
        ("postgresql://ann@db/lab?%70assword=s3cret", "postgresql://ann@db/lab"),
        ("postgresql://ann@db/lab?password=s3cret", "postgresql://ann@db/lab"),
        ("postgresql://db/lab?sslmode=require&password=s3cret&x=1#a", "postgresql://db/lab?sslmode=require&x=1#a"),
        ("postgresql://db/lab", "postgresql://db/lab"),
        ("/home/a:b@c/l.sqlite", "/home/a:b@c/l.sqlite"),
    ],
)
def test_address_is_shown_without_its_password(written: str, shown: str) -> None:
    """However it is written; a file's name is left as it is."""
    place = address(written)
    assert str(place) == shown
    assert "s3" not in repr(place)


def test_address_of_another_database_is_refused() -> None:
    """The message names the two that there are."""
    with pytest.raises(LedgerError, match="mysql:// is no ledger; give a file's name or postgresql://"):
        Ledger.open("mysql://ann:s3cret@db/lab")
