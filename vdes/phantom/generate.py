"""Write a phantom set: images, truth table, oracle and datalist."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

import vdes
from vdes.data.datalist import Datalist
from vdes.data.splits import hold_out
from vdes.data.staging import remove_partial, staged
from vdes.dicom.pixels import WHITE as DISPLAYED
from vdes.errors import InputError
from vdes.phantom.oracle import oracle_table
from vdes.phantom.patient_files import IMAGE_FOLDER, PROGRESS_FOLDER, SCALES, Row, record_path, write_patient
from vdes.phantom.presentation import WHITE
from vdes.phantom.settings import Settings

SETTINGS_FILE = "phantom.json"
DATALIST_FILE = "datalist.json"
TRUTH_FILE = "truth.csv"
ORACLE_FILE = "oracle.csv"
# the fields of a datalist item; the truth table has the others too
_ITEM_FIELDS = (
    "case", "patient", "laterality", "view", "low_energy", "des", "lesion_mask", "des_lesion_mask", "breast_mask",
    "iodine", "low_energy_log", "des_log", "pathology", "malignant", "density", "birads", "background_enhancement",
    "lesion_type", "enhances",
)  # fmt: skip
_FILES = ("low_energy", "des", "lesion_mask", "des_lesion_mask", "breast_mask", "iodine", "low_energy_log", "des_log")


def generate(out: Path, settings: Settings, workers: int = 1, overwrite: bool = False) -> Path:
    """Write a phantom set, or finish one that was interrupted.

    If the folder holds an unfinished set with the same settings, its complete patients are kept. The truth table, the
    oracle and the datalist are written last; a set is complete only with them.

    Args:
        out: folder for the set, created if needed. Must be empty, or hold an unfinished set with the same settings.
        settings: the settings that determine the content.
        workers: number of processes; the bytes do not depend on it.
        overwrite: replace a set in the folder.

    Returns:
        The datalist's path.

    Raises:
        InputError: the folder is in use or cannot be written to, or the number of workers is below 1.
    """
    if workers < 1:
        raise InputError(f"workers: {workers!r}; expected 1 or more")
    out = Path(out)
    try:
        _open_folder(out, settings, overwrite)
        missing = [i for i in range(settings.patients) if not record_path(out, i).is_file()]
        kept = settings.patients - len(missing)
        for _ in tqdm(
            _written(out, settings, missing, workers), "patients", settings.patients, initial=kept, unit="patient"
        ):
            pass
        rows = [
            row
            for index in range(settings.patients)
            for row in json.loads(record_path(out, index).read_text(encoding="utf-8"))
        ]
        _write_tables(out, settings, rows)
        shutil.rmtree(out / PROGRESS_FOLDER)
        remove_partial(out, below=True)
    except OSError as error:
        raise InputError(f"{error.filename or out}: cannot be written ({error.strerror or error})") from error
    return out / DATALIST_FILE


def _open_folder(out: Path, settings: Settings, overwrite: bool) -> None:
    """Make the folder ready, or refuse it."""
    marker = out / SETTINGS_FILE
    stated = {"generator": "vdes phantom", "version": vdes.__version__, **settings.record()}
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; expected the name of a folder to write to")
    if out.is_dir() and any(out.iterdir()):
        if not marker.is_file():
            raise InputError(f"{out}: holds other files; expected a folder that is empty or does not exist")
        try:
            found = json.loads(marker.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{marker}: not the settings of a phantom set ({error})") from error
        if overwrite:
            # the datalist first, so that no set remains without its images
            for name in (DATALIST_FILE, TRUTH_FILE, ORACLE_FILE):
                (out / name).unlink(missing_ok=True)
            for name in (PROGRESS_FOLDER, IMAGE_FOLDER):
                if (out / name).is_dir():
                    shutil.rmtree(out / name)
        elif (out / DATALIST_FILE).exists():
            raise InputError(f"{out}: holds a phantom set already; pass --overwrite to replace it")
        elif found != stated:
            other = next((key for key in stated if found.get(key) != stated[key]), "generator")
            raise InputError(
                f"{out}: holds an unfinished set with {other} {found.get(other)!r}; expected {stated[other]!r} to "
                "resume it; use the same settings, or --overwrite to start again"
            )
    out.mkdir(parents=True, exist_ok=True)
    with staged([marker], overwrite=True) as stages:
        stages[marker].write_text(json.dumps(stated, indent=1) + "\n", encoding="utf-8")


def _written(out: Path, settings: Settings, missing: list[int], workers: int) -> Iterator[None]:
    """Write the missing patients, and yield after each."""
    if workers == 1 or len(missing) < 2:
        for index in missing:
            write_patient(out, index, settings)
            yield None
        return
    pool = ProcessPoolExecutor(min(workers, len(missing)), get_context("spawn"), initializer=_ignore_interrupts)
    try:
        for done in as_completed([pool.submit(write_patient, out, index, settings) for index in missing]):
            done.result()
            yield None
    except BrokenProcessPool as error:
        raise InputError(
            f"{out}: a worker was killed, perhaps because memory ran out; run the command again"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    # an interrupt reaches the whole process group; only the parent should react
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_tables(out: Path, settings: Settings, rows: list[Row]) -> None:
    items = [{field: row[field] for field in _ITEM_FIELDS} for row in rows]
    sections = hold_out(items, settings.test_fraction, settings.validation_fraction, settings.seed)
    split = {item["case"]: section for section, members in sections.items() for item in members}
    truth = pd.DataFrame([{"split": split[row["case"]], **row} for row in rows]).drop(columns=list(_FILES))
    oracle = pd.concat(
        [_oracle(truth, settings, "all"), _oracle(truth[truth["split"] == "test"], settings, "test")], ignore_index=True
    )
    white = _white(settings.format)
    datalist: dict[str, Any] = {
        "name": "vdes phantom",
        "pixel_size_mm": settings.pixel_mm,
        "aligned": True,
        "intensity_range": {"low_energy": [0, white], "des": [0, white]},
        "split": {
            "method": "patients, stratified by pathology",
            "seed": settings.seed,
            "test_fraction": settings.test_fraction,
            "validation_fraction": settings.validation_fraction,
        },
        "phantom": {"version": vdes.__version__, **settings.record()},
        "physical_scales": _scales(settings.format),
        "oracle": json.loads(oracle.to_json(orient="records")),
        **sections,
    }
    for name, table in ((TRUTH_FILE, truth), (ORACLE_FILE, oracle)):
        with staged([out / name], overwrite=True) as stages:
            table.to_csv(stages[out / name], index=False, lineterminator="\n")
    Datalist.write(out / DATALIST_FILE, datalist, overwrite=True)


def _white(format: str) -> int:
    """Return the pixel value of white, as the images of a format are read."""
    return int(DISPLAYED) if format == "dicom" else WHITE


def _oracle(truth: pd.DataFrame, settings: Settings, split: str) -> pd.DataFrame:
    breasts = truth.drop_duplicates(["patient", "laterality"])
    table = oracle_table(breasts, settings.knobs)
    table.insert(0, "split", split)
    return table


def _scales(format: str) -> dict[str, dict[str, Any]]:
    units = {"low_energy_log": "ln units over fat", "des_log": "ln units", "iodine": "mg/cm2"}
    return {
        name: {
            "unit": units[name],
            "offset": 0.0 if format == "nifti" else scale[0],
            "step": 1.0 if format == "nifti" else scale[1],
        }
        for name, scale in SCALES.items()
    }
