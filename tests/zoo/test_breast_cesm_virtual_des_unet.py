"""Unit tests of the bundle in the model zoo's own form, where this file goes into ci/unit_tests."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from monai.bundle import ConfigWorkflow

NAME = "breast_cesm_virtual_des_unet"
FOLDERS = (Path("models"), Path(__file__).resolve().parents[2] / "bundles")  # of the model zoo, of the project
BUNDLE = next(folder / NAME for folder in FOLDERS if (folder / NAME).is_dir())
sys.path.insert(0, str(BUNDLE))  # the code that a packed bundle carries

from vdes.phantom.generate import generate  # noqa: E402
from vdes.phantom.settings import Settings  # noqa: E402

SMALL = {"height": 96, "precision": "float32", "num_workers": 0, "device": "cpu"}


class TestVirtualDesUNet(unittest.TestCase):
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

    def test_train_and_evaluate_config(self):
        training = {"cache_dir": self.folder / "cache", "epochs": 1, "batch_size": 4, "encoder_weights": "none"}
        trained = self.check(["train"], "train", "trained", **training)
        self.assertTrue({"model.pt", "last.pt"} <= {file.name for file in trained.iterdir()})
        own = {"ckpt_path": trained / "model.pt", "cache_dir": self.folder / "cache"}
        results = self.check(["train", "evaluate"], "train", "results", **own)
        written = {"fidelity.json", "fidelity_per_case.csv", "fidelity_sheet.png", "lesions.csv"}
        self.assertTrue(written <= {file.name for file in results.iterdir()})

    def test_joint_config(self):
        own = {
            "cache_dir": self.folder / "cache",
            "epochs": 1,
            "size": 64,
            "encoder_weights": "none",
            "classifier_encoder_weights": "none",
        }
        trained = self.check(["train", "joint"], "train", "joint", **own)
        self.assertTrue((trained / "model.pt").is_file())

    def test_inference_config(self):
        made = self.check(["inference"], "infer", "virtual_des")
        self.assertEqual(len(list(made.glob("*.png"))), 4 * 16)


if __name__ == "__main__":
    unittest.main()
