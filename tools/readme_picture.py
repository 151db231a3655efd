"""Draw the README's picture: a phantom's low-energy image, its real DES image and the U-Net's virtual one.

    python tools/readme_picture.py docs/images/low_energy_real_virtual.png

The case is the first malignant one among a few phantoms that the U-Net has not seen in training. All panels show their
full intensity range; the first outlines the lesion.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import find_contours

from vdes.data.datalist import Datalist
from vdes.data.inference_items import output_stem
from vdes.data.virtual_datalist import RANGE
from vdes.data.vocabulary import MODALITIES, SECTIONS
from vdes.phantom.generate import generate
from vdes.phantom.settings import Settings
from vdes.study.defaults import shipped_generators
from vdes.study.from_arguments import PHANTOM_SEED, PHANTOM_SIZE

ROOT = Path(__file__).resolve().parents[1]
HEIGHT = 420  # of a panel, in pixels
TITLES = ("low energy", "real DES", "virtual DES (U-Net)")
GAP, CAPTION = 8, 26
OUTLINE = (255, 196, 0)


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the PNG to write")
    parser.add_argument("--patients", type=int, default=4, help="phantom patients to look among (default: 4)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(arguments.patients, PHANTOM_SEED, PHANTOM_SIZE)
        datalist = Datalist.read(generate(folder / "phantoms", settings, workers=2))
        items = sorted((item for name in SECTIONS for item in datalist.items(name)), key=lambda item: item["case"])
        item = next(item for item in items if item["malignant"])
        unet = shipped_generators(ROOT / "bundles", "model_phantom")["unet"]
        one = Datalist.write(
            folder / "one.json", {**datalist.content(), "training": [], "validation": [], "test": [item]}
        )
        unet.given.infer(one.path, folder / "virtual", num_workers=0)
        virtual = folder / "virtual" / f"{output_stem(item)}.png"
        ranges = [datalist.intensity_range(modality) for modality in MODALITIES]
        panels = [
            shown(Path(file), high)
            for file, (_, high) in zip((item["low_energy"], item["des"], virtual), (*ranges, RANGE), strict=True)
        ]
        outline = np.asarray(Image.open(item["lesion_mask"])) > 0
    breast = np.asarray(panels[0].convert("L")) > 0
    columns = np.flatnonzero(breast.any(axis=0))
    box = (int(columns[0]), 0, int(columns[-1]) + 1, breast.shape[0])
    scale = HEIGHT / breast.shape[0]
    size = (round((box[2] - box[0]) * scale), HEIGHT)
    sheet = Image.new("RGB", (3 * size[0] + 2 * GAP, HEIGHT + CAPTION), "black")
    draw = ImageDraw.Draw(sheet)
    for place, (panel, title) in enumerate(zip(panels, TITLES, strict=True)):
        left = place * (size[0] + GAP)
        sheet.paste(panel.crop(box).resize(size, Image.Resampling.LANCZOS), (left, CAPTION))
        draw.text((left + 4, 5), title, fill="white", font=ImageFont.load_default(14))
        for contour in find_contours(np.pad(outline, 1).astype(float), 0.5) if place == 0 else ():
            points = [((x - 0.5 - box[0]) * scale + left, (y - 0.5) * scale + CAPTION) for y, x in contour]
            draw.line([*points, points[0]], fill=OUTLINE, width=2)
    sheet.save(arguments.out, optimize=True)


def shown(file: Path, white: float) -> Image.Image:
    """Return a 16-bit image in 8 bits; 0 is black."""
    pixels = np.asarray(Image.open(file), np.float32) / white
    return Image.fromarray((255 * pixels).round().clip(0, 255).astype(np.uint8)).convert("RGB")


if __name__ == "__main__":
    main()
