from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vdes.bundle.warm_start import run_module

Run = Callable[..., tuple[int, str, str]]

PROGRAM = """
import os, sys
print(sys.argv[1:], os.getcwd(), sys.path[0], os.environ.get("GIVEN"), os.environ.get("HOME"), __name__)
print("said", file=sys.stderr)
print("vdes" in sys.modules, "monai" in sys.modules)
if "torch" in sys.argv:
    import torch
    print(torch.get_num_threads())
exec(sys.argv[1])
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a module with a line of Python, in a folder of its own, and return its status, output and errors."""
    (tmp_path / "module_of_a_test.py").write_text(PROGRAM)

    def run(line: str, *further: str, **environment: str) -> tuple[int, str, str]:
        files = [tmp_path / f"{name}-{time.monotonic_ns()}" for name in ("out", "err")]
        with files[0].open("w") as out, files[1].open("w") as err:
            variables = {"PATH": os.environ["PATH"], **environment}
            words = ("module_of_a_test", [line, *further], variables, tmp_path)
            status = run_module(*words, out.fileno(), err.fileno())
        return status, files[0].read_text(), files[1].read_text()

    return run


def test_a_module_runs_as_by_python_itself_but_has_monai(run: Run, tmp_path: Path) -> None:
    status, out, err = run("pass", "a", "b c", GIVEN="value")
    words = f"['pass', 'a', 'b c'] {tmp_path} {tmp_path} value None __main__"
    assert (status, out, err) == (0, f"{words}\nFalse True\n", "said\n")


def test_its_exit_status_is_returned(run: Run) -> None:
    assert run("sys.exit(3)")[0] == 3
    assert run("os.kill(os.getpid(), 9)")[0] == -signal.SIGKILL
    status, _, err = run("raise ValueError('broken')")
    assert status == 1 and err.endswith("ValueError: broken\n")


def test_a_run_changes_nothing_for_the_next(run: Run) -> None:
    assert run("os.environ['GIVEN'] = 'changed'; import vdes; os.chdir('/')")[0] == 0
    assert "None None" in run("pass")[1]


def test_torch_has_the_threads_of_the_environment(run: Run) -> None:
    assert [run("pass", "torch", OMP_NUM_THREADS=n)[1].splitlines()[-1] for n in ("1", "3")] == ["1", "3"]


def test_its_last_words_are_written_and_its_exit_handlers_run(run: Run) -> None:
    assert run("import atexit; atexit.register(print, 'left')")[1].endswith("left\n")


def test_runs_of_several_threads_run_at_once(run: Run, tmp_path: Path) -> None:
    met = tmp_path / "met"
    met.mkdir()
    waits = (  # for the others, which one after the other would not come
        f"import pathlib, time; met = pathlib.Path({str(met)!r}); (met / str(os.getpid())).touch(); "
        "ends = time.monotonic() + 60\n"
        "while len(list(met.iterdir())) < 4 and time.monotonic() < ends: time.sleep(0.01)\n"
        "assert len(list(met.iterdir())) == 4"
    )
    with ThreadPoolExecutor(4) as pool:
        assert {done[0] for done in pool.map(run, [waits] * 4)} == {0}


def test_a_large_request_arrives(run: Run) -> None:
    assert f"{200_000 * 'x'}" in run("pass", 200_000 * "x")[1]


def test_nothing_is_left_after_the_process(tmp_path: Path) -> None:
    """Killed or not: what it started ends as well."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from vdes.bundle import warm_start\n"
        "run = warm_start.run_module('platform', [], dict(os.environ), Path.cwd(), 1, 2)\n"
        "print(warm_start._server(os.getpid())._process.pid, flush=True)\n"
        "os.kill(os.getpid(), int(sys.argv[1])) if sys.argv[1:] else None\n"
    )
    for words in ([], ["9"]):
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
        server = int(done.stdout.split()[-1])
        deadline = time.monotonic() + 10
        while Path(f"/proc/{server}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(f"/proc/{server}").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_ends_with_the_process_that_asked_for_it(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "sleeps.py").write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    program = (
        "import os\nfrom pathlib import Path\nfrom vdes.bundle.warm_start import run_module\n"
        "run_module('sleeps', [], dict(os.environ), Path.cwd(), 1, 2)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        run = Path(f"/proc/{int(process.stdout.readline())}")
        assert run.exists()
        process.send_signal(number)
        process.wait(timeout=30)
        deadline = time.monotonic() + 30
        while run.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not run.exists()


def test_an_interrupt_ends_the_run(tmp_path: Path) -> None:
    """It reaches all processes of a terminal, but the server goes on until its client ends."""
    (tmp_path / "sleeps.py").write_text("import time\nprint('sleeping', flush=True)\ntime.sleep(60)\n")
    program = (
        "import os, signal\nfrom pathlib import Path\nfrom vdes.bundle.warm_start import run_module\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in the background of a shell
        "try:\n    run_module('sleeps', [], dict(os.environ), Path.cwd(), 1, 2)\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
    )
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, start_new_session=True, **quiet) as process:
        assert process.stdout is not None and process.stdout.readline() == "sleeping\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert out == "interrupted\n" and "KeyboardInterrupt" in err
