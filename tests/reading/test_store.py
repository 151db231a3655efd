from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import uuid

import pytest

from vdes.errors import InputError
from vdes.reading.plan import plan_digest
from vdes.reading.store import MIGRATIONS, STORE_FILE, OutOfTurn, Store, answers_in, migrate


def test_an_answer_is_stored_once_and_in_turn(reading, answer_to):
    with Store(reading) as store:
        first, second = store.tasks["R1"][:2]
        with pytest.raises(OutOfTurn, match="is not the reader's next"):
            store.add(second["task"], answer_to(second), 1)
        name = str(uuid.uuid4())
        assert store.add(first["task"], answer_to(first), 1, name)
        assert not store.add(first["task"], answer_to(first), 1, name)
        with pytest.raises(OutOfTurn, match="that of another answer"):
            store.add(first["task"], answer_to(first, malignancy=1), 1, name)
        with pytest.raises(OutOfTurn, match="has an answer already"):
            store.add(first["task"], answer_to(first), 1)
        with pytest.raises(InputError, match="is not in the plan"):
            store.add("nothing", {}, 1)
        for seconds in (-1, float("nan"), 1e9, True):
            with pytest.raises(InputError, match="seconds"):
                store.add(second["task"], answer_to(second), seconds)
        assert store.done("R1") == 1 and store.done("R2") == 0
    assert answers_in(reading) == 1


def test_a_batch_is_all_or_nothing(reading, answer_to):
    with Store(reading) as store:
        first, second = store.tasks["R1"][:2]
        with pytest.raises(InputError), store.batch():
            store.add(first["task"], answer_to(first), 1)
            store.add(second["task"], {}, 1)
        assert store.answers() == []
        with store.batch():
            store.add(first["task"], answer_to(first), 1)
        assert len(store.answers()) == 1


def test_the_file_is_durable_and_private(reading):
    with Store(reading) as store:
        assert store._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert store._connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert (reading / STORE_FILE).stat().st_mode & 0o077 == 0


def test_a_plan_that_changed_is_refused(reading, read_all):
    read_all(reading)
    file = reading / "plan.json"
    plan = json.loads(file.read_text())
    plan["question"]["margin"] = 0.2
    file.write_text(json.dumps(plan))
    with pytest.raises(InputError, match="the plan changed after it was frozen"):
        Store(reading)
    plan["sha256"] = plan_digest(plan)  # as by another run of `vdes reading plan`
    file.write_text(json.dumps(plan))
    with pytest.raises(InputError, match="answers to another plan"):
        Store(reading)
    assert answers_in(reading) == 104


def test_a_file_that_is_no_store_is_refused(reading):
    (reading / STORE_FILE).write_text("no data base at all, but long enough to be taken for one" * 20)
    with pytest.raises(InputError, match="cannot be opened as a store"):
        Store(reading)


def test_a_later_layout_is_refused(reading):
    with Store(reading):
        pass
    with sqlite3.connect(reading / STORE_FILE) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(InputError, match="user_version: 7; expected at most 1"):
        Store(reading)


def test_a_migration_that_is_interrupted_never_happened(reading, read_all):
    read_all(reading)
    file = reading / STORE_FILE
    steps = (*MIGRATIONS, "ALTER TABLE answers ADD COLUMN screen TEXT; UPDATE answers SET screen = 'x'; NONSENSE")
    connection = sqlite3.connect(file, isolation_level=None)
    with pytest.raises(InputError, match=r"the migration from 1 failed .* the store is as it was"):
        migrate(connection, file, steps)
    connection.close()
    # and one whose process dies in the middle
    program = """
import os, sqlite3, sys
from pathlib import Path
from vdes.reading.store import MIGRATIONS, _run_script, migrate
def die(connection, script):
    _run_script(connection, script)
    os.kill(os.getpid(), 9)
file = Path(sys.argv[1])
step = "ALTER TABLE answers ADD COLUMN screen TEXT; UPDATE answers SET screen = 'x'"
migrate(sqlite3.connect(file, isolation_level=None), file, (*MIGRATIONS, step), die)
"""
    assert subprocess.run([sys.executable, "-c", program, str(file)], check=False).returncode == -9
    with Store(reading) as store:
        assert len(store.answers()) == 104
        assert (
            "screen"
            not in store._connection.execute("SELECT sql FROM sqlite_master WHERE name = 'answers'").fetchone()[0]
        )
    connection = sqlite3.connect(file, isolation_level=None)
    migrate(connection, file, (*MIGRATIONS, "ALTER TABLE answers ADD COLUMN screen TEXT"))
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 2
    connection.close()


def test_links_are_kept_by_hash(reading):
    with Store(reading) as store:
        store.set_links({"R1": "a", "R2": "b"})
        store.set_links({"R1": "c"})
        assert store.links() == {"c": "R1", "b": "R2"}


def test_people_and_simulated_readers_do_not_mix(reading, answer_to):
    with Store(reading) as store:
        task = store.tasks["R1"][0]
        assert not store.simulated
        store.add(task["task"], answer_to(task), 1)
        with pytest.raises(InputError, match="holds answers of readers"):
            store.set_simulated()
