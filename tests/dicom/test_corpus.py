"""Every circumstance of the corpus: what vdes lists, shows and writes, beside what it must, and beside dcmtk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEGLSLossless

sys.path.insert(0, str(Path(__file__).parent))
from corpus import page
from corpus.studies import bases
from corpus.variant import KINDS, Outcome, Variant, stated, vdes_does, write_objects
from corpus.variants import VARIANTS

from vdes.dicom import read_mammogram
from vdes.dicom.lut import lut_of
from vdes.dicom.values import number_of
from vdes.errors import InputError

PROJECT = Path(__file__).resolve().parents[2]
VARYING = ("UID", "PixelData", "DerivationDescription", "PatientID")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Variant], tuple[Path, Outcome]]:
    """Write a variant's folder and find out what vdes makes of it, once."""
    folder = tmp_path_factory.mktemp("corpus")
    phantoms = bases(folder)

    @cache
    def like(maker: str) -> np.ndarray:
        phantoms[maker]["le"].save_as(folder / maker, enforce_file_format=True)
        return read_mammogram(folder / maker).pixels

    @cache
    def make(name: str) -> tuple[Path, Outcome]:
        [variant] = [variant for variant in VARIANTS if variant.name == name]
        outcome = page.outcome_of(variant, phantoms, folder, like(variant.maker))
        return folder / variant.name, outcome

    return lambda variant: make(variant.name)


@pytest.fixture(scope="session")
def validated(dciodvfy, dcmdump) -> Callable[[Path], list[str]]:
    """What dciodvfy and dcmtk find in an object; one that differs from another in UIDs alone is not asked again."""
    known: dict[str, list[str]] = {}

    def validate(file: Path) -> list[str]:
        image = pydicom.dcmread(file)
        text = str([element for element in image if not element.keyword.endswith(VARYING)])
        uids = [image.get(keyword) for keyword in ("StudyInstanceUID", "FrameOfReferenceUID")]
        key = text + str([uid is None or uid.is_valid for uid in uids])
        if key not in known:
            dcmdump(file)
            known[key] = dciodvfy(file)
        return known[key]

    return validate


def named(variant: Variant) -> str:
    return f"{variant.kind}-{variant.circumstance}"


def test_there_are_hundreds_of_variants_of_every_kind() -> None:
    assert len(VARIANTS) >= 200
    assert {variant.kind for variant in VARIANTS} == set(KINDS)
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS, ids=named)
def test_what_is_listed_and_shown(corpus, variant: Variant) -> None:
    _, outcome = corpus(variant)
    assert sorted(outcome.pairs) == sorted(variant.pairs), outcome
    if variant.by:
        assert variant.by in outcome.pairs[variant.pairs[0]]
    assert outcome.left.keys() == variant.left.keys(), outcome
    for name, reason in variant.left.items():
        assert reason in outcome.left[name]
    if variant.patients is not None:
        assert outcome.patients == variant.patients, outcome
    if variant.picture.startswith("refused: "):
        assert outcome.picture.startswith("refused: ") and variant.picture.removeprefix("refused: ") in outcome.picture
    else:
        assert outcome.picture == variant.picture


@pytest.mark.parametrize("variant", VARIANTS, ids=named)
def test_what_is_written(corpus, validated, variant: Variant) -> None:
    _, outcome = corpus(variant)
    plain, blind = outcome.written[False], outcome.written[True]
    if variant.refused:
        assert isinstance(plain, str) and variant.refused in plain
        assert isinstance(blind, str)
        return
    assert isinstance(plain, Path), plain
    if "~refused" in variant.states:
        assert isinstance(blind, str) and variant.states["~refused"] in blind
    else:
        assert isinstance(blind, Path), blind
    images = {False: pydicom.dcmread(plain)}
    if isinstance(blind, Path):
        images[True] = pydicom.dcmread(blind)
        assert validated(blind) == []
    for keyword, value in variant.states.items():
        if keyword != "~refused":
            assert stated(images[keyword.startswith("~")], keyword.removeprefix("~")) == value, keyword
    assert images[False].SyntheticData == "YES"
    # UIDs are carried as they are: an object belongs to its study, whatever rule of form the study's number breaks
    assert [error for error in validated(plain) if "Leading zeroes" not in error] in (
        [],
        ["Error - Dicom dataset contains invalid data values for Value Representations"],
    )


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant.like_dcmtk], ids=named)
def test_the_picture_is_that_of_dcmtk(corpus, dcmtk_shows, variant: Variant) -> None:
    file = corpus(variant)[0] / "le"
    header = pydicom.dcmread(file, stop_before_pixels=True)
    windowed = number_of(header, "WindowCenter") is not None and number_of(header, "WindowWidth") is not None
    options = ["+Wl", "1"] if lut_of(header, "VOILUTSequence") else ["+Wi", "1"] if windowed else ["-W"]
    jpeg_ls = header.file_meta.TransferSyntaxUID == JPEGLSLossless
    shown = dcmtk_shows(file, *options, program="dcml2pnm" if jpeg_ls else "dcmj2pnm")
    assert isinstance(shown, np.ndarray), shown
    # dcmtk's values are those of the bits that are stored, and of its LUT
    lut = lut_of(header, "VOILUTSequence")
    step = 65536 / (1 << min(header.BitsStored, 12, 12 if lut is None else lut.depth))
    np.testing.assert_allclose(read_mammogram(file).pixels, shown, atol=step + 18)


def test_the_page_of_the_documentation_is_up_to_date(corpus) -> None:
    text = page.page_text({variant.name: corpus(variant)[1] for variant in VARIANTS})
    assert page.PAGE.read_text(encoding="utf-8") == text, "run: python tests/dicom/corpus/page.py"
    assert text.count("\n| ") >= len(VARIANTS)


def test_hundreds_of_shuffled_bytes_raise_nothing_but_input_errors(corpus, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    whole = (corpus(VARIANTS[0])[0] / "le").read_bytes()
    for number in range(100):
        damaged = bytearray(whole)
        for place in rng.integers(132, len(whole) - 6200, 3):
            damaged[place] ^= int(rng.integers(1, 256))
        file = tmp_path / f"{number}"
        file.write_bytes(bytes(damaged))
        try:
            vdes_does(tmp_path, np.zeros((1, 1)))
            write_objects(file, tmp_path)
        except InputError as error:
            assert len(str(error).splitlines()) == 1
        for made in tmp_path.iterdir():
            made.unlink()


def test_the_page_is_made_by_a_command(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, page.__file__, "--help"], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0 and "docs/reference/dicom_circumstances.md" in done.stdout
