"""The answers of readers: one SQLite file, and an answer is on disk before it is acknowledged."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from vdes.errors import InputError
from vdes.reading.form import CHOICE, DES, LOW_ENERGY, QUALITY, check_answer
from vdes.reading.plan import read_plan
from vdes.reading.worklist import READING, Task

STORE_FILE = "readings.sqlite"
PRIVATE = 0o600
LONGEST = 86_400.0  # seconds that an answer may take
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE links (reader TEXT PRIMARY KEY, secret_sha256 TEXT NOT NULL UNIQUE, made TEXT NOT NULL) STRICT;
    CREATE TABLE answers (
        number INTEGER PRIMARY KEY,
        answer_id TEXT NOT NULL UNIQUE,
        reader TEXT NOT NULL,
        task TEXT NOT NULL UNIQUE,
        received TEXT NOT NULL,
        seconds REAL NOT NULL,
        answer TEXT NOT NULL
    ) STRICT;
    CREATE INDEX answers_of_reader ON answers (reader);
    """,
)


class OutOfTurn(InputError):
    """An answer to a task that is not the reader's next, or that already has another answer."""


def form_of(task: Mapping[str, Any]) -> str:
    """Return the name of a task's form."""
    if task["part"] != READING:
        return {CHOICE: CHOICE, QUALITY: QUALITY}[task["part"]]
    return LOW_ENERGY if task["modality"] == LOW_ENERGY else DES


class Store:
    """The answers of a reader study.

    Several threads and several processes may use it at the same time.

    Args:
        folder: of the reader study.

    Raises:
        InputError: the plan cannot be read or has changed, or the file is not a store, belongs to another plan or was
            made by a later version.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = read_plan(folder)
        self.file = folder / STORE_FILE
        self.tasks: dict[str, list[Task]] = {one["code"]: one["tasks"] for one in self.plan["readers"]}
        self._places = {
            task["task"]: (code, number) for code, tasks in self.tasks.items() for number, task in enumerate(tasks)
        }
        self._shapes = {
            case["case"]: {view: (one["rows"], one["columns"]) for view, one in case["views"].items()}
            for case in self.plan["cases"]
        }
        self._lock = threading.RLock()
        self._batch = False
        self._connection = _opened(self.file)
        try:
            migrate(self._connection, self.file, MIGRATIONS)
            self._claim()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, task: str, answer: Mapping[str, Any], seconds: float, answer_id: str | None = None) -> bool:
        """Store the answer to a reader's next task; it is on disk when this returns.

        Args:
            task: the task's name in the plan.
            answer: a value for each field of its form, see `vdes.reading.form`.
            seconds: time taken, without pauses.
            answer_id: made by the client, so that an answer sent twice is stored once; made here if None.

        Returns:
            Whether it was stored; False if it was stored before under this id.

        Raises:
            OutOfTurn: the task is not the reader's next, or has another answer.
            InputError: the task does not exist, or the answer does not fit its form.
        """
        if task not in self._places:
            raise InputError(f"task: {task!r}: is not in the plan")
        reader, number = self._places[task]
        asked = self.tasks[reader][number]
        checked = check_answer(form_of(asked), answer, self._shapes[asked["case"]])
        if type(seconds) not in (int, float) or not math.isfinite(seconds) or not 0 <= seconds <= LONGEST:
            raise InputError(f"seconds: {seconds!r}; expected 0 to {LONGEST:g}")
        text = json.dumps(checked, sort_keys=True)
        answer_id = answer_id or str(uuid.uuid4())
        with self._transaction() as connection:
            before = connection.execute("SELECT task, answer FROM answers WHERE answer_id = ?", (answer_id,)).fetchone()
            if before is not None:
                if before != (task, text):
                    raise OutOfTurn(f"answer_id: {answer_id}: is that of another answer")
                return False
            done = self._done(connection, reader)
            if number != done:
                said = "has an answer already" if number < done else "is not the reader's next"
                raise OutOfTurn(f"task: {task}: {said}")
            connection.execute(
                "INSERT INTO answers (answer_id, reader, task, received, seconds, answer) VALUES (?, ?, ?, ?, ?, ?)",
                (answer_id, reader, task, _now(), float(seconds), text),
            )
        return True

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Add everything in the body in one transaction: much faster, and all or nothing."""
        with self._transaction():
            self._batch = True
            try:
                yield
            finally:
                self._batch = False

    def done(self, reader: str) -> int:
        """Return how many tasks a reader has answered."""
        with self._lock:
            return self._done(self._connection, reader)

    def last_received(self, reader: str) -> datetime | None:
        """Return when the last answer of a reader arrived; None before the first."""
        with self._lock:
            row = self._connection.execute(
                "SELECT received FROM answers WHERE reader = ? ORDER BY number DESC LIMIT 1", (reader,)
            ).fetchone()
        return None if row is None else datetime.fromisoformat(row[0])

    def answers(self) -> list[dict[str, Any]]:
        """Return all answers in order of arrival: reader, task, answer_id, received, seconds, answer."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT reader, task, answer_id, received, seconds, answer FROM answers ORDER BY number"
            ).fetchall()
        names = ("reader", "task", "answer_id", "received", "seconds", "answer")
        return [dict(zip(names, row, strict=True)) | {"answer": json.loads(row[-1])} for row in rows]

    def place(self, task: str) -> tuple[str, Task]:
        """Return the reader and the plan's entry of a task."""
        reader, number = self._places[task]
        return reader, self.tasks[reader][number]

    def owner(self, task: str) -> str | None:
        """Return the reader of a task; None if the plan has no such task."""
        return self._places[task][0] if task in self._places else None

    def set_links(self, hashes: Mapping[str, str]) -> None:
        """Replace the links of readers by new ones, given by the SHA-256 of their secrets."""
        with self._transaction() as connection:
            for reader, secret_sha256 in hashes.items():
                connection.execute(
                    "INSERT OR REPLACE INTO links (reader, secret_sha256, made) VALUES (?, ?, ?)",
                    (reader, secret_sha256, _now()),
                )

    def links(self) -> dict[str, str]:
        """Return the reader of each link, by the SHA-256 of its secret."""
        with self._lock:
            return dict(self._connection.execute("SELECT secret_sha256, reader FROM links").fetchall())

    def set_simulated(self) -> None:
        """Mark the readers as simulated, as every table and report will then say.

        Raises:
            InputError: there are answers by people.
        """
        with self._transaction() as connection:
            if not self.simulated and connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0]:
                raise InputError(f"{self.file}: holds answers of readers; simulated ones need a folder of their own")
            connection.execute("INSERT OR REPLACE INTO facts VALUES ('simulated', '1')")

    @property
    def simulated(self) -> bool:
        """Whether the readers are simulated."""
        with self._lock:
            return self._fact("simulated") == "1"

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._batch:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _claim(self) -> None:
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO facts VALUES ('plan_sha256', ?)", (self.plan["sha256"],))
        if self._fact("plan_sha256") != self.plan["sha256"]:
            raise InputError(
                f"{self.file}: plan_sha256: these are answers to another plan than {self.folder / 'plan.json'}; put "
                "the matching files into one folder"
            )

    def _fact(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @staticmethod
    def _done(connection: sqlite3.Connection, reader: str) -> int:
        return int(connection.execute("SELECT COUNT(*) FROM answers WHERE reader = ?", (reader,)).fetchone()[0])


def answers_in(folder: Path) -> int:
    """Return how many answers a folder's store holds, whatever their plan; 0 if there is no store.

    Raises:
        InputError: the file is not a store.
    """
    file = folder / STORE_FILE
    if not file.is_file():
        return 0
    connection = _opened(file)
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return int(connection.execute("SELECT COUNT(*) FROM answers").fetchone()[0]) if "answers" in tables else 0
    finally:
        connection.close()


def migrate(
    connection: sqlite3.Connection,
    file: Path,
    migrations: Sequence[str],
    run: Callable[[sqlite3.Connection, str], None] | None = None,
) -> None:
    """Bring a store to the current layout, one transaction per step; an interrupted step leaves no trace.

    Args:
        connection: to the store.
        file: of the store, for messages.
        migrations: the steps since the empty file; the file's ``user_version`` counts those done.
        run: executes the statements of a step.

    Raises:
        InputError: the store was made by a later version, or a step failed; the store is as it was before the step.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations):
        raise InputError(
            f"{file}: user_version: {version}; expected at most {len(migrations)}: the store was made by a later "
            "version of vdes; use that version"
        )
    if version == len(migrations):
        return
    try:
        connection.execute("BEGIN IMMEDIATE")
        # another process may have migrated it first
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for number, script in enumerate(migrations[version:], version + 1):
            (run or _run_script)(connection, script)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise InputError(
                f"{file}: user_version: the migration from {version} failed ({error}); the store is as it was"
            ) from error
        raise


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):  # because `executescript` would commit first
        if statement.strip():
            connection.execute(statement)


def _opened(file: Path) -> sqlite3.Connection:
    try:
        file.touch(PRIVATE)  # first, because SQLite's other files inherit its mode
        connection = sqlite3.connect(file, timeout=10, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise InputError(f"{file}: cannot be opened as a store of readings ({error})") from error
    return connection


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
