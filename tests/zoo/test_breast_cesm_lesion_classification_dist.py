"""Unit tests of several processes in the model zoo's own form, where this file goes into ci/unit_tests."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import torch

NAME = "breast_cesm_lesion_classification"
FOLDERS = (Path("models"), Path(__file__).resolve().parents[2] / "bundles")  # of the model zoo, of the project
BUNDLE = next(folder / NAME for folder in FOLDERS if (folder / NAME).is_dir())
sys.path.insert(0, str(BUNDLE))  # the code that a packed bundle carries

from vdes.phantom.generate import generate  # noqa: E402
from vdes.phantom.settings import Settings  # noqa: E402

SMALL = {"precision": "float32", "num_workers": 0}


class TestLesionClassificationOnSeveralProcesses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        generate(cls.folder / "phantoms", Settings(patients=16, size=96, seed=3))

    def check(self, configs, output, **override):
        """Run configs by torchrun, on every GPU or on two CPU processes, and return the folder of the outputs."""
        made = {"dataset_dir": self.folder / "phantoms" / "datalist.json", "output_dir": self.folder / output}
        made |= {"bundle_root": BUNDLE, **SMALL, **override}
        files = [str(BUNDLE / "configs" / f"{name}.yaml") for name in configs]
        processes = f"--nproc_per_node={torch.cuda.device_count() or 2}"
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            processes,
            "-m",
            "monai.bundle",
            "run",
        ]
        command += ["--config_file", str(files), "--meta_file", str(BUNDLE / "configs" / "metadata.json")]
        command += ["--logging_file", str(BUNDLE / "configs" / "logging.conf")]
        command += [word for name, value in made.items() for word in (f"--{name}", str(value))]
        subprocess.check_call(command, env={**os.environ, "PYTHONPATH": str(BUNDLE), "OMP_NUM_THREADS": "1"})
        return self.folder / output

    def test_multi_gpu_train_config(self):
        trained = self.check(["train", "multi_gpu_train"], "trained", epochs=1, batch_size=4, encoder_weights="none")
        self.assertTrue({"model.pt", "last.pt"} <= {file.name for file in trained.iterdir()})

    def test_multi_gpu_inference_config(self):
        weights = BUNDLE / "models" / "model_phantom.pt"
        made = self.check(["inference", "multi_gpu_inference"], "predictions", ckpt_path=weights)
        self.assertEqual(len((made / "predictions.csv").read_text().splitlines()), 1 + 16 * (4 + 2 + 1))


if __name__ == "__main__":
    unittest.main()
