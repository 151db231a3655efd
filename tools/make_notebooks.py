"""Make notebooks/*.ipynb from notebooks/*.md, executed on phantoms.

    python tools/make_notebooks.py
    python tools/make_notebooks.py notebooks/01_see_cesm.md

The sources are in jupytext's Markdown: text and code blocks. Pictures, tables and text output are kept; output on
standard error, the state of widgets and the ids of a run are not.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
SECONDS = 600  # a cell, on a busy machine
# the metadata of a notebook, the same whoever executes it
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_source(file: Path) -> NotebookNode:
    """Return the notebook that a source describes, without outputs; its cells are numbered."""
    notebook = jupytext.read(file)
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number:02d}", NotebookNode()
    return notebook


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Execute a notebook in place, as if it were in the folder ``notebooks`` of a clone at ``folder``, and return it.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    place = folder / FOLDER.name
    place.mkdir()
    (folder / "bundles").symlink_to(FOLDER.parent / "bundles")
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": place}}).execute()
    return notebook


def clean(notebook: NotebookNode) -> NotebookNode:
    """Remove, in place, what differs between two runs or machines, and return the notebook."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode()
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if not _passing(output)]
        for output in cell.outputs:
            if "data" in output:
                output.metadata = NotebookNode()
                if "image/png" in output.data:
                    output.data["image/png"] = small_png(output.data["image/png"])
    return notebook


def _passing(output: NotebookNode) -> bool:
    """Return whether an output is transient: a widget such as a progress bar, or text on standard error."""
    return output.get("name") == "stderr" or "application/vnd.jupyter.widget-view+json" in output.get("data", {})


def small_png(picture: str) -> str:
    """Return a PNG picture in base64 with 256 colours, a third of its size."""
    stream = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def make(source: Path) -> Path:
    """Write the executed notebook next to its source, and return its path."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = clean(execute(read_source(source), Path(folder)))
    target = source.with_suffix(".ipynb")
    nbformat.write(notebook, target)
    return target


def main() -> None:
    """Make the notebooks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", type=Path, help="sources (default: all)")
    arguments = parser.parse_args()
    for source in arguments.sources or sorted(FOLDER.glob("*.md")):
        started = time.monotonic()
        target = make(source)
        print(f"wrote {target}: {time.monotonic() - started:.0f} s, {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
