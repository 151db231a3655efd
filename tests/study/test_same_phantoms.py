from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vdes.data.datalist import Datalist
from vdes.data.training_record import TrainingRecord, sealed
from vdes.errors import InputError
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.phantom.worlds import in_world
from vdes.study.same_phantoms import check_same_phantoms


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, Datalist]:
    folder = tmp_path_factory.mktemp("worlds")
    return {
        world: Datalist.read(generate(folder / str(world), in_world(Settings(3, 1, 64), world)))
        for world in (None, "told", "untold")
    }


def weights_of(folder: Path, content: dict[str, Any]) -> Path:
    weights = folder / "model.pt"
    weights.write_bytes(b"weights")
    weights.with_suffix(".json").write_text(sealed(content, weights))
    return weights


def test_weights_of_another_world_are_refused(tmp_path, phantoms):
    weights = weights_of(tmp_path, TrainingRecord(phantoms["told"]).content)
    check_same_phantoms(weights, phantoms["told"])
    message = r"model\.pt: trained on phantoms of another kind .*: le_contrast 'post', not 'pre'; .* --other-phantoms"
    with pytest.raises(InputError, match=message):
        check_same_phantoms(weights, phantoms["untold"])
    with pytest.raises(InputError, match="density 'ab', not 'abcd'"):
        check_same_phantoms(weights, phantoms[None])


def test_weights_that_do_not_say_are_left_to_the_user(tmp_path, phantoms):
    content = TrainingRecord(phantoms["told"]).content
    check_same_phantoms(weights_of(tmp_path, {**content, "phantom": None}), phantoms["untold"])
    (tmp_path / "model.json").unlink()
    check_same_phantoms(tmp_path / "model.pt", phantoms["untold"])
