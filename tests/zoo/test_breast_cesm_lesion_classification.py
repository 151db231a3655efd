"""Unit tests of the bundle in the model zoo's own form, where this file goes into ci/unit_tests."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from monai.bundle import ConfigWorkflow

NAME = "breast_cesm_lesion_classification"
FOLDERS = (Path("models"), Path(__file__).resolve().parents[2] / "bundles")  # of the model zoo, of the project
BUNDLE = next(folder / NAME for folder in FOLDERS if (folder / NAME).is_dir())
sys.path.insert(0, str(BUNDLE))  # the code that a packed bundle carries

from vdes.phantom.generate import generate  # noqa: E402
from vdes.phantom.settings import Settings  # noqa: E402

SMALL = {"precision": "float32", "num_workers": 0, "device": "cpu"}


class TestLesionClassification(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        generate(cls.folder / "phantoms", Settings(patients=16, size=96, seed=3))

    def check(self, configs, workflow_type, output, **override):
        """Run configs to their end, and return the folder of the outputs."""
        made = {"dataset_dir": self.folder / "phantoms" / "datalist.json", "output_dir": self.folder / output}
        made |= {"bundle_root": BUNDLE, **override}
        workflow = ConfigWorkflow(
            config_file=[str(BUNDLE / "configs" / f"{name}.yaml") for name in configs],
            meta_file=str(BUNDLE / "configs" / "metadata.json"),
            logging_file=str(BUNDLE / "configs" / "logging.conf"),
            workflow_type=workflow_type,
            **SMALL,
            **{name: str(value) if isinstance(value, Path) else value for name, value in made.items()},
        )
        workflow.initialize()
        self.assertEqual(workflow.check_properties(), [])
        workflow.run()
        workflow.finalize()
        return self.folder / output

    def test_train_evaluate_and_calibrate_config(self):
        training = {"cache_dir": self.folder / "cache", "epochs": 1, "batch_size": 4, "encoder_weights": "none"}
        trained = self.check(["train"], "train", "trained", **training)
        self.assertTrue({"model.pt", "last.pt"} <= {file.name for file in trained.iterdir()})
        own = {"ckpt_path": trained / "model.pt", "cache_dir": self.folder / "cache"}
        results = self.check(["train", "evaluate"], "train", "results", **own)
        self.assertTrue({"classification.json", "predictions.csv"} <= {file.name for file in results.iterdir()})
        calibrated = self.check(["train", "calibrate"], "train", "calibrated", **own)
        self.assertTrue((calibrated / "model.pt").is_file())

    def test_inference_config(self):
        made = self.check(
            ["inference"], "infer", "predictions", ckpt_path=BUNDLE / "models" / "model_phantom.pt", size=256
        )
        self.assertEqual(len((made / "predictions.csv").read_text().splitlines()), 1 + 16 * (4 + 2 + 1))


if __name__ == "__main__":
    unittest.main()
