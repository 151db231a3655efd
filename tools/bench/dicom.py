"""How fast is a folder of DICOM studies scanned, and how fast are large images decoded in each transfer syntax?

python tools/bench/dicom.py
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gdcm
import numpy as np
import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless, generate_uid
from scipy.ndimage import gaussian_filter

from vdes.data.dicom_folder.folder import scan_folder
from vdes.dicom import read_mammogram
from vdes.dicom.mg_object import mammogram_object

SIZE = (3328, 2560)
SYNTAXES = {"uncompressed": None, "rle": RLELossless, "jpeg-ls": JPEGLSLossless, "jpeg-2000": JPEG2000Lossless}
JPEG_LOSSLESS = "jpeg lossless"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000, help="headers to scan (default: 2000)")
    parser.add_argument("--workers", type=int, default=2, help="processes that scan (default: 2)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scan(folder / "headers", arguments.files, arguments.workers)
        decode(folder)


def scan(folder: Path, files: int, workers: int) -> None:
    """Write small images of a typical header and time the scan of them."""
    folder.mkdir()
    image = mammogram(np.zeros((64, 48), np.uint16), 12)
    private = image.private_block(0x0045, "VENDOR", create=True)
    for offset in range(100):
        private.add_new(offset, "LO", f"value {offset}")
    for number in range(files):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.save_as(folder / f"{number}", enforce_file_format=True)
    before = processor_time()
    seconds = timed(lambda: scan_folder(folder, workers))
    used = processor_time() - before
    print(
        f"scan: {files / seconds:.0f} files/s in {workers} processes ({files} files, {seconds:.1f} s in all), "
        f"{1000 * used / files:.1f} ms of processor time a file"
    )


def processor_time() -> float:
    """Return the processor seconds of this process and its children, which do not depend on other programs."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def decode(folder: Path) -> None:
    """Time reading and preprocessing of a large 16-bit image, compared with pydicom's own decoding."""
    from vdes.transforms.preprocessing import (
        low_energy_preprocessing,
    )  # imported here, because the processes of the scan import this file

    rng = np.random.default_rng(0)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    breast = np.hypot((y - SIZE[0] / 2) / (0.45 * SIZE[0]), x / (0.7 * SIZE[1])) < 1
    tissue = 30000 + 8000 * gaussian_filter(rng.standard_normal(SIZE).astype(np.float32), 8) * 20
    stored = np.where(breast, np.clip(tissue + rng.normal(0, 100, SIZE), 1, 65535), 0).astype(np.uint16)
    preprocess = low_energy_preprocessing(512, 384, (0, 65535))
    for name in (*SYNTAXES, JPEG_LOSSLESS):
        file = folder / f"{name}.dcm"
        if name == JPEG_LOSSLESS:
            compress_jpeg_lossless(folder / "uncompressed.dcm", file)
        else:
            image = mammogram(stored, 16)
            syntax = SYNTAXES[name]
            if syntax is not None:
                image.compress(syntax)
            image.save_as(file, enforce_file_format=True)

        def own(file: Path = file) -> object:
            return pydicom.dcmread(file).pixel_array

        def ours(file: Path = file) -> object:
            return read_mammogram(file)

        def whole(file: Path = file) -> object:
            return preprocess({"low_energy": str(file), "case": "a"})

        preprocessed = timed(whole)
        print(
            f"{name}: pydicom decodes in {timed(own):.2f} s, read as displayed in {timed(ours):.2f} s, "
            f"preprocessed to 512 px in {preprocessed:.2f} s ({file.stat().st_size / 1e6:.1f} MB)"
        )


def compress_jpeg_lossless(source: Path, target: Path) -> None:
    """Compress with GDCM: pydicom has no encoder for the original lossless syntax, which many archives use."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.Write()


def mammogram(stored: np.ndarray, bits: int) -> FileDataset:
    """Return a low-energy image of a study."""
    image = mammogram_object(stored, bits, generate_uid(), "L", "CC", 0.07)
    image.ImageType = ["ORIGINAL", "PRIMARY", "", "LOW_ENERGY"]
    image.PatientID, image.StudyInstanceUID, image.SeriesInstanceUID = "A", generate_uid(), generate_uid()
    return image


def timed(function: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
