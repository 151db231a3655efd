"""A reader's progress through the work list, and what the page may know about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from vdes.reading.form import LEFT, RIGHT
from vdes.reading.plan import blind_name
from vdes.reading.store import Store, form_of
from vdes.reading.worklist import CHOICE, LOW_ENERGY, READING, REAL, VIRTUAL, Task

Json = dict[str, Any]


@dataclass(frozen=True)
class Frame:
    """An image that a reader may fetch."""

    file: str
    sha256: str
    rows: int
    columns: int


class Progress:
    """What each reader sees, without anything that reveals which DES is real.

    Args:
        store: of the answers.

    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.cases: dict[str, Json] = {case["case"]: case for case in store.plan["cases"]}
        self.washout = timedelta(days=store.plan["washout_days"])

    def state(self, reader: str) -> Json:
        """Return what the page shows next: the task, the one after it for preloading, and the reader's progress.

        ``opens`` is when the next session begins while its wash-out lasts, and ``task`` is then None; after the last
        task both are None.
        """
        tasks = self.store.tasks[reader]
        done = self.store.done(reader)
        task = tasks[done] if done < len(tasks) else None
        opens = None if task is None else self._opens(reader, tasks, done)
        following = tasks[done + 1] if done + 1 < len(tasks) else None
        if following is not None and task is not None and following["session"] != task["session"]:
            following = None
        session = None if task is None else [one for one in tasks if one["session"] == task["session"]]
        closed = opens is not None
        return {
            "reader": reader,
            "done": done,
            "total": len(tasks),
            "session": None if task is None else task["session"],
            "sessions": tasks[-1]["session"] if tasks else 0,
            "session_done": 0 if task is None else task["position"] - 1,
            "session_total": len(session or ()),
            "opens": opens.isoformat(timespec="seconds") if opens is not None else None,
            "task": None if task is None or closed else self._shown(reader, task),
            "next": None if following is None or closed else self._shown(reader, following),
        }

    def frame(self, reader: str, name: str) -> Frame | None:
        """Return an image of the reader's current or next task; None if neither has one of this name."""
        state = self.state(reader)
        for shown in (state["task"], state["next"]):
            if shown is None:
                continue
            for number, panel in enumerate(shown["panels"]):
                for view, image in panel["views"].items():
                    if image["image"] == name:
                        _, task = self.store.place(shown["task"])
                        record = self.cases[task["case"]]["views"][view]
                        kept = record["images"][_kinds(task)[number][1]]
                        return Frame(kept["file"], kept["sha256"], record["rows"], record["columns"])
        return None

    def may_answer(self, reader: str, task: str) -> bool:
        """Tell whether a task belongs to this reader and its session is open."""
        tasks = self.store.tasks[reader]
        numbers = [number for number, one in enumerate(tasks) if one["task"] == task]
        return bool(numbers) and (
            numbers[0] < self.store.done(reader) or self._opens(reader, tasks, numbers[0]) is None
        )

    def _opens(self, reader: str, tasks: list[Task], number: int) -> datetime | None:
        """Return when the wash-out before a task ends; None if it has ended or there is none."""
        if number == 0 or tasks[number]["session"] == tasks[number - 1]["session"]:
            return None
        last = self.store.last_received(reader)
        if last is None or last + self.washout <= datetime.now(timezone.utc):
            return None
        return last + self.washout

    def _shown(self, reader: str, task: Task) -> Json:
        case = self.cases[task["case"]]
        return {
            "task": task["task"],
            "part": task["part"],
            "form": form_of(task),
            # one sitting with a case: images and marks of one task are kept for the next
            "sitting": blind_name(self.store.plan, "sitting", reader, task["reading"]),
            "laterality": case["laterality"],
            "panels": [
                {"label": label, "views": self._views(reader, task, case, slot)} for slot, _, label in _kinds(task)
            ],
        }

    def _views(self, reader: str, task: Task, case: Mapping[str, Any], slot: str) -> Json:
        return {
            view: {
                "image": blind_name(self.store.plan, "image", reader, task["reading"], slot, view),
                "rows": record["rows"],
                "columns": record["columns"],
                "pixel_size_mm": record["pixel_size_mm"],
                # hanging: right breasts with the chest wall on the right, left ones on the left, back to back
                "mirrored": record["chest_wall"] != ("right" if case["laterality"] == "R" else "left"),
            }
            for view, record in case["views"].items()
        }


def _kinds(task: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the panels of a task: a neutral slot name, the kind of image and the label."""
    if task["part"] == CHOICE:
        right = VIRTUAL if task["left"] == REAL else REAL
        return [(LEFT, task["left"], "DES, left"), (RIGHT, right, "DES, right")]
    panels = [("low_energy", LOW_ENERGY, "Low energy")]
    if task["part"] != READING or task["modality"] != LOW_ENERGY:
        panels.append(("des", task["modality"], "DES"))
    return panels
