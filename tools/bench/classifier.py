"""How fast is the lesion classifier on preprocessed cases, and does its memory grow with their number?

Predicts with the classifier bundle's own parts on cases that are already cached, for two numbers of cases (those of a
datalist, repeated under other names), each in its own process. Run on an idle machine:

    vdes phantom phantoms --patients 25 --size 256
    python tools/bench/classifier.py --datalist phantoms/datalist.json
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from monai.data import DataLoader, Dataset
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose

from vdes.data.datalist import Datalist, without_null_paths
from vdes.data.datasets.cached_dataset import cached_dataset
from vdes.data.levels import with_levels
from vdes.engines.autocast_inferer import AutocastInferer
from vdes.handlers.predictions_handler import PredictionsHandler
from vdes.networks.lesion_classifier import LesionClassifier
from vdes.networks.weights import load_weights
from vdes.transforms.classifier_preprocessing import classifier_preprocessing
from vdes.transforms.stack_inputs import StackInputsd

BUNDLE = Path(__file__).resolve().parents[2] / "bundles" / "breast_cesm_lesion_classification"
INPUTS = {"low energy and DES": ("low_energy", "des"), "DES": ("des",)}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datalist", type=Path, required=True, help="datalist with low energy and DES")
    parser.add_argument("--counts", type=int, nargs=2, default=[100, 1000], help="numbers of cases (default: 100 1000)")
    parser.add_argument("--size", type=int, default=256, help="working size (default: 256)")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument("--precision", default="auto", help="auto, float32, bfloat16 or float16 (default: %(default)s)")
    arguments = parser.parse_args()
    for name, inputs in INPUTS.items():
        for count in arguments.counts:
            with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as pool:
                job = (
                    arguments.datalist,
                    inputs,
                    count,
                    arguments.size,
                    arguments.threads,
                    arguments.precision,
                    folder,
                )
                seconds, memory = pool.apply(predict, job)
            print(f"{name}, {count} cases: {count / seconds:.1f} cases/s; peak memory {memory:.0f} MiB", flush=True)


def predict(
    datalist: Path, inputs: tuple[str, ...], count: int, size: int, threads: int, precision: str, folder: str
) -> tuple[float, float]:
    """Return the seconds that the predictions of cached cases take, and the peak memory of this process in MiB."""
    torch.set_num_threads(threads)
    listed = Datalist.read(datalist)
    items = [without_null_paths(item) for item in listed.items()]
    cases = [with_levels({**items[i % len(items)], "case": f"{i:06d}"}) for i in range(count)]
    ranges = [listed.intensity_range(name) for name in ("low_energy", "des")]
    cache = cached_dataset(cases, classifier_preprocessing(size, ranges[0], ranges[1], inputs), folder)
    network = LesionClassifier(size=size)
    weights = BUNDLE / "models" / "model_phantom.pt"
    if weights.is_file() and int(torch.load(weights, weights_only=True)["size"]) == size:
        load_weights(network, weights)
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(cache, Compose([StackInputsd()])), batch_size=8),
        network=network,
        inferer=AutocastInferer(precision),
        val_handlers=[PredictionsHandler(folder)],
        prepare_batch=image_alone,
    )
    start = time.perf_counter()
    evaluator.run()
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def image_alone(batch: dict[str, Any], device: torch.device, *_: Any, **__: Any) -> tuple[torch.Tensor, None]:
    """Return the images of a batch."""
    return batch["image"].to(device), None


if __name__ == "__main__":
    main()
