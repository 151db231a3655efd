"""``vdes datalist``, with a sub-command for each source of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App

from vdes.cli.parameters import FIELDS
from vdes.data.cdd_cesm.settings import CddCesmSettings
from vdes.data.dicom_folder.settings import DicomFolderSettings

app = App(
    name="datalist",
    help="List the images of a data set, with labels, lesion masks and splits by patient, as a MONAI datalist (JSON).",
    help_epilogue="``vdes datalist COMMAND --help`` explains a source and gives an example.",
)


@app.command(name="cdd-cesm", help_epilogue="example: vdes datalist cdd-cesm CDD-CESM --output cdd_cesm.json")
def cdd_cesm(
    folder: Path,
    /,
    *,
    output: Path,
    settings: Annotated[CddCesmSettings, FIELDS] = CddCesmSettings(),
    overwrite: bool = False,
) -> None:
    """List the official folder of CDD-CESM.

    Reads the two image folders, the annotation table and the segmentations. Writes the datalist and, next to it, the
    lesion masks in a folder named after the datalist with _masks added. Prints what was left out.

    Args:
        folder: folder that contains the two image folders.
        output: datalist to write (.json).
        overwrite: replace the datalist and the masks if they exist.
    """
    from vdes.data.cdd_cesm.datalist import write_cdd_cesm
    from vdes.data.summary import summary

    for path, datalist in write_cdd_cesm(folder, output, settings, overwrite=overwrite).items():
        print(f"wrote {path}\n{summary(datalist)}")


@app.command(help_epilogue="example: vdes datalist dicom studies --output studies.json --labels labels.xlsx")
def dicom(
    folder: Path,
    /,
    *,
    output: Path,
    settings: Annotated[DicomFolderSettings, FIELDS] = DicomFolderSettings(),
    explain: Path | None = None,
    overwrite: bool = False,
) -> None:
    """List a folder of DICOM studies.

    Finds and pairs the low-energy and DES images by the evidence in their headers, and writes the datalist. Prints what
    was left out, and why.

    Args:
        folder: folder of studies, sub-folders included.
        output: datalist to write (.json).
        explain: further table to write (.csv, .json or .txt): for each file what it was taken for, what it was paired
            with, which evidence decided and what contradicted it. Also written if nothing could be listed.
        overwrite: replace the datalist if it exists.
    """
    from vdes.data.dicom_folder.datalist import write_dicom_datalist
    from vdes.data.summary import summary

    datalist = write_dicom_datalist(folder, output, settings, explain=explain, overwrite=overwrite)
    print(f"wrote {output}\n{summary(datalist)}")


@app.command(help_epilogue="example: vdes datalist virtual datalist.json virtual_des --output virtual.json")
def virtual(
    source: Path, images: Path, /, *, output: Path, weights: Path | None = None, overwrite: bool = False
) -> None:
    """Copy a datalist, replacing its real DES images by virtual ones.

    The virtual DES images are those that a generator's inference made from the low-energy images of SOURCE. Cases,
    labels and splits stay the same, so that a classifier can be trained or evaluated on the new datalist.

    Args:
        source: datalist that the generator was run on.
        images: folder of the generator's outputs (16-bit PNG).
        output: datalist to write (.json).
        weights: weights of the generator (.pt). A classifier that is trained on the images inherits their training
            images; without them a study says that its origin is unknown.
        overwrite: replace the datalist if it exists.
    """
    from vdes.data.summary import summary
    from vdes.data.virtual_datalist import write_virtual_datalist

    datalist = write_virtual_datalist(source, images, output, overwrite, weights)
    print(f"wrote {output}\n{summary(datalist)}")
