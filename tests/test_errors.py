from __future__ import annotations

import subprocess
import sys

import pytest

from vdes.errors import INTERRUPTED, InputError, find_input_error, report_input_errors


def caught(raiser) -> BaseException:
    try:
        raiser()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_the_input_error_itself_is_found() -> None:
    error = InputError("a.json: name: is missing")
    assert find_input_error(error) is error


def test_it_is_found_through_explicit_and_implicit_wrapping() -> None:
    origin = InputError("a.json: name: is missing")

    def explicit() -> None:
        try:
            raise origin
        except InputError as error:
            raise RuntimeError("applying transform") from error

    def implicit() -> None:
        try:
            explicit()
        except RuntimeError:
            raise KeyError("config") from None

    def both() -> None:
        try:
            explicit()
        except RuntimeError:
            raise TypeError("workflow")  # noqa: B904 - MONAI wraps without a cause as well

    assert find_input_error(caught(explicit)) is origin
    assert find_input_error(caught(implicit)) is origin
    assert find_input_error(caught(both)) is origin


def test_other_errors_are_not_input_errors() -> None:
    assert find_input_error(ValueError("plain")) is None
    assert find_input_error(None) is None


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert find_input_error(first) is None


def run(body: str, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"{before}\nfrom vdes.errors import InputError, report_input_errors\nreport_input_errors()\n{body}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_uncaught_input_error_is_one_line_and_status_2() -> None:
    wrapped = (
        "try:\n    raise InputError('a.json: name: is missing')\nexcept InputError as e:\n    raise RuntimeError from e"
    )
    for body in ("raise InputError('a.json: name: is missing')", wrapped):
        done = run(body)
        assert done.returncode == 2
        assert done.stderr == "error: a.json: name: is missing\n"


def test_ctrl_c_is_one_line_and_status_130() -> None:
    done = run("raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (INTERRUPTED, "error: interrupted\n")


@pytest.mark.parametrize(
    ("error", "shown"), [(InputError("bad"), False), (KeyboardInterrupt(), False), (RuntimeError("a fault"), True)]
)
def test_an_engine_logs_the_traceback_of_faults_alone(
    process_as_it_was: None, caplog: pytest.LogCaptureFixture, error: BaseException, shown: bool
) -> None:
    from monai.handlers import StatsHandler

    report_input_errors()
    engine_log = StatsHandler().logger
    engine_log.addHandler(caplog.handler)
    try:
        raise error
    except BaseException as caught:
        engine_log.exception("Exception: %s", caught)
    finally:
        engine_log.removeHandler(caplog.handler)
        engine_log.filters.clear()
    assert bool(caplog.records) is shown


def test_what_an_engine_reports_is_still_printed() -> None:
    done = run(
        "from monai.handlers import StatsHandler\nStatsHandler().logger.info('Epoch[1] Metrics')", "import monai"
    )
    assert done.stdout.endswith(" - INFO - Epoch[1] Metrics\n"), done.stderr


def test_other_uncaught_errors_keep_their_traceback() -> None:
    done = run("raise RuntimeError('a fault of ours')")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback") and done.stderr.endswith("RuntimeError: a fault of ours\n")


def test_an_interrupt_that_python_would_drop_ends_the_process() -> None:
    program = """
import time
from vdes.errors import report_input_errors

class Interrupted:
    def __del__(self):
        raise KeyboardInterrupt

report_input_errors()
Interrupted()
time.sleep(60)
print("went on")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50)
    assert (run.returncode, run.stdout, run.stderr) == (INTERRUPTED, "", "error: interrupted\n")


def test_other_errors_in_such_places_are_shown_as_before() -> None:
    program = """
from vdes.errors import report_input_errors

class Broken:
    def __del__(self):
        raise RuntimeError("broken")

for _ in range(5000):
    report_input_errors()
Broken()
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0
    assert "RuntimeError: broken" in run.stderr


@pytest.mark.parametrize(("name", "told"), [("/data/a.png", "/data/a.png"), (None, "an output")])
def test_a_full_disk_is_one_line(name: str | None, told: str) -> None:
    try:
        try:
            raise OSError(28, "No space left on device", name)
        except OSError as error:
            raise RuntimeError("MONAI") from error
    except RuntimeError as error:
        found = find_input_error(error)
    assert str(found) == f"{told}: cannot be written (No space left on device); free space and run it again"
    assert find_input_error(OSError(13, "Permission denied", "a.png")) is None
