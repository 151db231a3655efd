from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.inferers import SimpleInferer
from monai.transforms import Compose, CopyItemsd, MapTransform
from torch.utils.data import DataLoader

from vdes.data.datasets.encoded_dataset import encoded_dataset
from vdes.errors import InputError, find_input_error


class Read(MapTransform):
    """Read a text file with a number as an image of it."""

    def __init__(self) -> None:
        super().__init__("image")

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "image": torch.full((1, 2, 2), float(Path(data["image"]).read_text()))}


class Mean:
    """Features: the mean times a factor, and one for each orientation; it counts the images."""

    device = torch.device("cpu")

    def __init__(self, factor: float = 1.0) -> None:
        self.factor, self.images = factor, 0

    @property
    def identity(self) -> str:
        return f"mean times {self.factor}"

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        self.images += len(image)
        mean = self.factor * image.mean(dim=(1, 2, 3))
        return torch.stack([mean, mean + 1], dim=1)[:, :, None]


TRANSFORMS = {name: Compose([CopyItemsd(name, names="image"), Read()]) for name in ("low_energy", "des")}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    names = [tmp_path / f"{number}.txt" for number in range(4)]
    for number, file in enumerate(names):
        file.write_text(str(number % 3))  # the last is a copy of the first
    return [str(file) for file in names]


def encoded(items: list[dict[str, Any]], folder: Path, encoders: dict[str, Mean], **more: Any) -> np.ndarray:
    transforms = {name: TRANSFORMS[name] for name in encoders}
    dataset = encoded_dataset(items, transforms, encoders, SimpleInferer(), folder, **more)  # type: ignore[arg-type]
    [batch] = DataLoader(dataset, batch_size=len(items))
    assert set(batch) == {"case", "image"}
    return batch["image"].numpy()


@pytest.mark.parametrize("more", [{}, {"batch_size": 2, "num_workers": 1}])
def test_each_content_is_encoded_once_by_each_encoder(files: list[str], tmp_path: Path, more: dict[str, int]) -> None:
    items = [{"case": f"c{i}", "low_energy": file, "des": files[0] if i else None} for i, file in enumerate(files)]
    encoders = {"low_energy": Mean(), "des": Mean(10.0)}
    found = encoded(items, tmp_path / "cache", encoders, **more)
    assert found[:, 0, :, 0].tolist() == [[0, 1], [1, 2], [2, 3], [0, 1]]
    assert np.isnan(found[0, 1]).all() and found[1:, 1, :, 0].tolist() == [[0, 1]] * 3
    assert (encoders["low_energy"].images, encoders["des"].images) == (3, 1)
    again = {"low_energy": Mean(), "des": Mean(10.0)}
    np.testing.assert_array_equal(encoded(items[::-1], tmp_path / "cache", again, **more), found[::-1])
    assert (again["low_energy"].images, again["des"].images) == (0, 0)
    other = {"low_energy": Mean(2.0)}
    assert encoded(items, tmp_path / "cache", other)[:, 0, 0, 0].tolist() == [0, 2, 4, 0]
    Path(files[1]).write_text("7")  # another image under the same name
    assert encoded(items, tmp_path / "cache", {"low_energy": Mean()})[:, 0, 0, 0].tolist() == [0, 7, 2, 0]


def test_what_cannot_be_encoded_is_named(files: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^c0: no low_energy; expected at least one image"):
        encoded([{"case": "c0", "des": files[0]}], tmp_path / "cache", {"low_energy": Mean()})
    with pytest.raises(InputError, match=r"absent\.txt: cannot be read"):
        encoded([{"case": "c0", "des": str(tmp_path / "absent.txt")}], tmp_path / "cache", {"des": Mean()})
    with pytest.raises(InputError, match=r"1\.txt: the network's features of it are not finite numbers"):
        encoded([{"case": "c0", "des": files[1]}], tmp_path / "cache", {"des": Mean(float("nan"))})
    assert not list((tmp_path / "cache").iterdir())


class Replaced(Read):
    """Read an image that another program replaces before."""

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        Path(data["image"]).write_text("7")
        return super().__call__(data)


def test_the_features_of_an_image_that_changed_meanwhile_are_not_kept(files: list[str], tmp_path: Path) -> None:
    during = {"des": Compose([CopyItemsd("des", names="image"), Replaced()])}
    items = [{"case": "c0", "des": files[1]}]
    with pytest.raises(InputError, match=r"1\.txt: was changed while this run read it"):
        encoded_dataset(items, during, {"des": Mean()}, SimpleInferer(), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_an_image_that_cannot_be_read_is_an_error_of_its_items_alone(files: list[str], tmp_path: Path) -> None:
    items = [{"case": f"c{i}", "low_energy": file, "des": None} for i, file in enumerate(files)]
    Path(files[1]).write_text("no number")
    encoder = Mean()
    dataset = encoded_dataset(
        items, {"low_energy": Compose([Named()])}, {"low_energy": encoder}, SimpleInferer(), tmp_path / "c"
    )
    assert [float(dataset[i]["image"][0, 0, 0]) for i in (0, 2, 3)] == [0, 2, 0] and encoder.images == 2
    with pytest.raises(Exception) as caught:
        dataset[1]
    assert str(find_input_error(caught.value)) == f"{files[1]}: no number"


class Named(Read):
    """Read the low-energy image, and name it if that fails."""

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        try:
            return super().__call__({**data, "image": data["low_energy"]})
        except ValueError as error:
            raise InputError(f"{data['low_energy']}: no number") from error
