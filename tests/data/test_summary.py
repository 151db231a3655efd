from __future__ import annotations

from pathlib import Path

from vdes.data.cdd_cesm.datalist import write_cdd_cesm
from vdes.data.cdd_cesm.settings import CddCesmSettings
from vdes.data.datalist import Datalist
from vdes.data.summary import section_table, summary


def test_table_counts_patients_pairs_and_classes(official, tmp_path: Path) -> None:
    official.image("P3_R_DM_CC").unlink()
    (datalist,) = write_cdd_cesm(official.path, tmp_path / "d.json", CddCesmSettings(include_unpaired=True)).values()
    table = section_table(datalist)
    assert list(table.columns) == ["patients", "items", "pairs", "with masks", "normal", "benign", "malignant"]
    assert table.loc["all"].tolist() == [12, 26, 25, 3, 9, 7, 10]
    assert (table.drop(index="all").sum() == table.loc["all"]).all()
    for section in ("training", "validation", "test"):
        assert table.loc[section, "items"] == len(datalist.fields[section])


def test_unknown_pathologies_have_a_column_and_empty_splits_a_row(official, tmp_path: Path) -> None:
    (datalist,) = write_cdd_cesm(official.path, tmp_path / "d.json", CddCesmSettings(test_fraction=0)).values()
    content = datalist.content()
    content["training"][0] |= {"pathology": None, "malignant": None}
    table = section_table(Datalist.made(tmp_path / "d.json", content))
    assert table.loc["all", "unknown"] == 1 and table.loc["test"].sum() == 0


def test_report_lines_have_the_count_and_some_names(official, tmp_path: Path) -> None:
    for view in ("CC", "MLO"):
        for patient in ("P1_R", "P3_R", "P5_R"):
            official.image(f"{patient}_DM_{view}").unlink()
    (datalist,) = write_cdd_cesm(official.path, tmp_path / "d.json").values()
    text = summary(datalist)
    assert (
        "left out: 6 images without a partner in the other folder (--include-unpaired keeps them): P1_R_CM_CC.jpg"
        in text
    )
    line = next(line for line in text.splitlines() if "without a partner" in line)
    assert line.count(".jpg") == 5 and line.endswith(", ...")
