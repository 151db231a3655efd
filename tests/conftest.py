"""Shared fixtures."""

from __future__ import annotations

import importlib.util
import json
import logging
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

ORTHANC_PLUGINS = ("/usr/lib/orthanc", "/usr/share/orthanc/plugins")
CDD_CESM = Path(__file__).resolve().parents[2] / "shared" / "data" / "cdd_cesm"

# what somebody else's bundle may look like: it writes the low-energy image, in 16 bits, as the virtual DES image
COPIER = {
    "imports": ["$import json", "$import numpy as np", "$from pathlib import Path", "$from PIL import Image"],
    "bundle_root": ".",
    "dataset_dir": "datalist.json",
    "output_dir": "out",
    "ckpt_path": "models/model.pt",
    "strength": 1.0,
    "network_def": {"_target_": "torch.nn.Identity"},
    "listed": "$json.loads(Path(@dataset_dir).read_text())",
    "items": "$@listed['training'] + @listed['validation'] + @listed['test']",
    "files": "$[Path(@dataset_dir).parent / i['low_energy'] for i in @items]",
    "run": [
        "$Path(@output_dir).mkdir(parents=True, exist_ok=True)",
        "$[Image.fromarray((np.asarray(Image.open(f), np.float32) * 257 * @strength).astype(np.uint16))"
        ".save(Path(@output_dir) / (f.stem + '.png')) for f in @files]",
    ],
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let continuous integration see to it that nothing it installed is left out."""
    parser.addoption(
        "--require-dicom-tools",
        action="store_true",
        help="fail, in place of skipping, where dciodvfy, dcmtk or Orthanc is absent",
    )
    parser.addoption(
        "--model-zoo",
        type=Path,
        metavar="FOLDER",
        help="a checkout of Project-MONAI/model-zoo, whose own verification is run on the bundles",
    )
    parser.addoption(
        "--write-screenshots",
        action="store_true",
        help="replace the screenshots in docs/images by those that the tests take",
    )


def absent(config: pytest.Config, reason: str) -> NoReturn:
    """Skip the test that needs a program, or fail it where the program is required."""
    if config.getoption("--require-dicom-tools"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cdd_cesm() -> Path:
    """The folder of CDD-CESM development images; the test is skipped where it is absent."""
    if not CDD_CESM.is_dir():
        pytest.skip(f"no CDD-CESM development images: {CDD_CESM.relative_to(CDD_CESM.parents[3])} does not exist")
    return CDD_CESM


@pytest.fixture(scope="session")
def reading_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 18 phantom test patients at 64 x 48 pixels, whose virtual DES is blurred real DES.

    Real DES files have 8 bits here and virtual ones 16, as with CDD-CESM.
    """
    from PIL import Image

    from vdes.data.vocabulary import SECTIONS
    from vdes.phantom.generate import generate
    from vdes.phantom.settings import Settings

    folder = tmp_path_factory.mktemp("reading_study")
    source = generate(folder / "phantoms", Settings(20, 1, 64, test_fraction=0.9, validation_fraction=0.05))
    listed = json.loads(source.read_text())
    low, high = listed["intensity_range"]["des"]
    for item in (item for section in SECTIONS for item in listed[section]):
        file = source.parent / item["des"]
        with Image.open(file) as image:
            real = (np.asarray(image, dtype=float) - low) / (high - low)
        Image.fromarray(np.rint(255 * real.clip(0, 1)).astype(np.uint8)).save(file)
    listed["intensity_range"]["des"] = [0, 255]
    source.write_text(json.dumps(listed))
    return _write_study(source, folder / "study")


@pytest.fixture(scope="session")
def write_study() -> Callable[[Path, Path], Path]:
    """Write what a study of a datalist leaves for readers."""
    return _write_study


def _write_study(source: Path, study: Path) -> Path:
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    from vdes.data.datalist import Datalist
    from vdes.data.inference_items import output_stem
    from vdes.data.virtual_datalist import write_virtual_datalist
    from vdes.study.arm_datalists import write_real_datalist

    datalists = study / "parts" / "split" / "datalists"
    datalists.mkdir(parents=True)
    write_real_datalist(source, datalists / "real_all.json")
    images = study / "parts" / "split" / "virtual" / "unet"
    images.mkdir(parents=True)
    listed = Datalist.read(datalists / "real_all.json")
    low, high = listed.intensity_range("des")
    for item in listed.items():
        with Image.open(item["des"]) as image:
            real = (np.asarray(image, dtype=float) - low) / (high - low)
        blurred = np.where(real > 0.02, gaussian_filter(real, 1.0), 0)
        Image.fromarray(np.rint(65535 * blurred.clip(0, 1)).astype(np.uint16)).save(images / f"{output_stem(item)}.png")
    write_virtual_datalist(datalists / "real_all.json", images, datalists / "virtual-unet_judged.json")
    settings = {"models": {"unet": {}, "classifier": {}}, "question": {"arm": "virtual_des-unet"}}
    (study / "settings.json").write_text(json.dumps(settings))
    (study / "metrics.json").write_text("{}")
    return study


@pytest.fixture(scope="session")
def small_datalist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A datalist of noise: five patients, P1 to P5, of two views each; P1 to P3 train, P4 validates, P5 tests."""
    from PIL import Image

    from vdes.data.datalist import Datalist

    folder = tmp_path_factory.mktemp("small")
    random = np.random.default_rng(0)
    sections: dict[str, list[dict[str, Any]]] = {"training": [], "validation": [], "test": []}
    for number in range(1, 6):
        for view in ("CC", "MLO"):
            case = f"P{number}_L_{view}"
            item: dict[str, Any] = {"case": case, "patient": f"P{number}", "laterality": "L", "view": view}
            item |= {"pathology": "malignant" if number % 2 else "normal", "density": "b", "birads": None}
            item |= {"lesion_mask": None, "des_lesion_mask": None}
            for field in ("low_energy", "des"):
                item[field] = f"{case}_{field}.png"
                Image.fromarray(random.integers(0, 255, (24, 18), np.uint8)).save(folder / item[field])
            sections["training" if number < 4 else "validation" if number == 4 else "test"].append(item)
    head = {"name": "noise", "pixel_size_mm": None, "intensity_range": {"low_energy": [0, 255], "des": [0, 255]}}
    Datalist.write(folder / "datalist.json", {**head, "split": {"method": "by hand"}, **sections})
    return folder / "datalist.json"


@pytest.fixture(scope="session")
def small_classifier() -> Callable[..., Any]:
    """Make a small lesion classifier as after training: absent inputs have a vector, and images tell it something."""
    import torch  # here: other tests do without

    from vdes.networks.lesion_classifier import LesionClassifier

    def make(seed: int = 0, **settings: Any) -> LesionClassifier:
        torch.manual_seed(seed)
        network = LesionClassifier(**{"size": 64, "channels": 8} | settings)
        torch.nn.init.normal_(network.absent)
        norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0  # statistics of the next batch alone
        size = int(network.size)
        with torch.no_grad():
            network.train()(torch.linspace(0.1, 1.0, 6)[:, None, None, None] * torch.rand(6, 2, size, size))
        for norm in norms:
            norm.momentum = 0.1
        return network

    return make


@pytest.fixture
def copier(tmp_path: Path) -> Callable[..., Path]:
    """Write a bundle that copies low-energy images, with changes of its config."""
    import torch  # here: other tests do without
    import yaml

    def write(name: str = "their_bundle", **changes: object) -> Path:
        root = tmp_path / name
        for folder in ("configs", "models"):
            (root / folder).mkdir(parents=True)
        config = {key: value for key, value in {**COPIER, **changes}.items() if value is not None}
        (root / "configs" / "inference.yaml").write_text(yaml.safe_dump(config))
        (root / "configs" / "metadata.json").write_text(json.dumps({"version": "1.2.3"}))
        torch.save({}, root / "models" / "model.pt")
        return root

    return write


@pytest.fixture
def process_as_it_was() -> Iterator[None]:
    """Undo what a bundle does to its process: exception hook, search path, logging, deterministic algorithms."""
    import torch  # here: other tests do without

    hook, path = sys.excepthook, list(sys.path)
    handlers, level = list(logging.root.handlers), logging.root.level
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    yield
    sys.excepthook, sys.path[:] = hook, path
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


@pytest.fixture(scope="session")
def write_mammogram() -> Callable[..., Path]:
    """Write a mammogram in DICOM; keywords set attributes, and None deletes one."""
    from pydicom.uid import generate_uid

    from vdes.dicom.mg_object import mammogram_object, orientation_of

    def write(
        path: Path,
        stored: np.ndarray | None = None,
        bits: int = 12,
        laterality: str = "L",
        view: str = "CC",
        study: str = "2.25.1",
        **attributes: Any,
    ) -> Path:
        if stored is None:
            stored = np.arange(6 * 4).reshape(6, 4) * 100
        image = mammogram_object(stored.astype(np.uint16), bits, generate_uid(), laterality, view, 0.1)
        image.PatientID = image.PatientName = "Doe"
        image.PatientOrientation = orientation_of(laterality, view)
        image.StudyInstanceUID, image.SeriesInstanceUID = study, "2.25.2"
        image.FrameOfReferenceUID = f"2.25.3.{'LR'.index(laterality)}.{len(view)}"
        image.ImageType = ["DERIVED", "PRIMARY", "", "LOW_ENERGY"]
        image.AcquisitionDate, image.AcquisitionTime = "20200102", "101500"
        if attributes.get("PhotometricInterpretation") == "MONOCHROME1":
            image.PresentationLUTShape = "INVERSE"
        for keyword, value in attributes.items():
            if value is None:
                del image[keyword]
            else:
                setattr(image, keyword, value)
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture(scope="session")
def dciodvfy(pytestconfig: pytest.Config) -> Callable[[Path], list[str]]:
    """The errors that dciodvfy of dicom3tools finds in an object, less the one that it does not know better.

    Its edition of 2022 is older than SyntheticData (0008,001C).
    """
    program = shutil.which("dciodvfy")
    if program is None:
        absent(pytestconfig, "no dciodvfy: install Debian's dicom3tools")

    def errors(path: Path) -> list[str]:
        done = subprocess.run([program, str(path)], capture_output=True, text=True, errors="replace")
        lines = (done.stdout + done.stderr).splitlines()
        assert "MammographyImageForPresentation" in lines  # it knew what it validated
        found = [line for line in lines if line.startswith(("Error", "Abort"))]
        return [line for line in found if not ("(0x0008,0x001c)" in line and "not a recognized standard" in line)]

    return errors


@pytest.fixture(scope="session")
def dcmdump(pytestconfig: pytest.Config) -> Callable[[Path], str]:
    """What dcmtk's dcmdump prints of an object."""
    program = shutil.which("dcmdump")
    if program is None:
        absent(pytestconfig, "no dcmdump: install Debian's dcmtk")

    def dump(path: Path) -> str:
        done = subprocess.run([program, str(path)], capture_output=True, text=True, errors="replace")
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout

    return dump


@pytest.fixture(scope="session")
def dcmtk_shows(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., np.ndarray | str]:
    """The picture that dcmtk shows of an image, 0 to 65535, or what it says in its place."""
    from PIL import Image

    programs = {name: shutil.which(name) for name in ("dcmj2pnm", "dcml2pnm")}
    for name, program in programs.items():
        if program is None:
            absent(pytestconfig, f"no {name}: install Debian's dcmtk")
    picture = tmp_path_factory.mktemp("dcmtk") / "picture.png"

    def show(path: Path, *options: str, program: str = "dcmj2pnm") -> np.ndarray | str:
        command = [str(programs[program]), "+on2", *options, str(path), str(picture)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            return done.stderr.strip()
        with Image.open(picture) as image:
            return np.asarray(image).astype(np.float32)

    return show


@dataclass(frozen=True)
class Orthanc:
    """A running archive."""

    url: str
    port: int
    netrc: Path


@pytest.fixture(scope="session")
def _orthanc(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    plugins = [file for folder in ORTHANC_PLUGINS for file in sorted(Path(folder).glob("libOrthancDicomWeb.so*"))]
    if program is None or not plugins:
        absent(pytestconfig, "no Orthanc with DICOMweb: install Debian's orthanc and orthanc-dicomweb")
    folder = tmp_path_factory.mktemp("orthanc")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    config = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"vdes": "secret"},
        "Plugins": [str(plugins[0])],
    }
    (folder / "orthanc.json").write_text(json.dumps(config))
    netrc = folder / "netrc"
    netrc.write_text("machine localhost login vdes password secret\n")
    netrc.chmod(0o600)
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log) as process,
    ):
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("localhost", port)) == 0:
                        break
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
            yield Orthanc(f"http://localhost:{port}/dicom-web", port, netrc)
        finally:
            process.terminate()


@pytest.fixture
def orthanc(_orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> Orthanc:
    """An Orthanc that wants a user and password, which lie in the netrc file; skipped where it is not installed."""
    monkeypatch.setenv("NETRC", str(_orthanc.netrc))
    return _orthanc


def _whole(driver: Any) -> Any:
    """A driver whose `get` ends when the page is whole: its own may end while the last script has yet to run."""

    class Whole(driver):  # type: ignore[misc]
        def get(self, url: str) -> None:
            from selenium.webdriver.support.ui import WebDriverWait

            super().get(url)
            there = "return document.readyState === 'complete' && (location.href === 'about:blank') === arguments[0]"
            WebDriverWait(self, 30).until(lambda page: page.execute_script(there, url == "about:blank"))

    return Whole


@pytest.fixture(scope="session")
def _browser(pytestconfig: pytest.Config) -> Iterator[Any]:
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs or importlib.util.find_spec("selenium") is None:
        absent(pytestconfig, "no headless browser: install Debian's chromium and chromium-driver, and selenium")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    # without motion a page has scrolled when it is clicked
    settings = ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "force-prefers-reduced-motion")
    for argument in settings:
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with _whole(webdriver.Chrome)(options, webdriver.ChromeService(programs[1])) as driver:
        yield driver


@pytest.fixture
def browser(_browser: Any) -> Any:
    """A headless Chromium whose page is 1280 px wide; its logs are empty. Skipped where it is not installed."""
    _browser.get("about:blank")
    _browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    for log in ("browser", "performance"):
        _browser.get_log(log)
    return _browser


@pytest.fixture(scope="session")
def firefox_program(pytestconfig: pytest.Config) -> str:
    """The path of Firefox; skipped where it, or the client for it, is not installed."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None or importlib.util.find_spec("selenium") is None:
        absent(pytestconfig, "no Firefox: install Debian's firefox-esr, and selenium")
    return program
