"""Unit tests of the bundle in the model zoo's own form, where this file goes into ci/unit_tests."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from monai.bundle import ConfigWorkflow

NAME = "breast_cesm_real_vs_virtual_des"
FOLDERS = (Path("models"), Path(__file__).resolve().parents[2] / "bundles")  # of the model zoo, of the project
BUNDLE = next(folder / NAME for folder in FOLDERS if (folder / NAME).is_dir())
sys.path.insert(0, str(BUNDLE))  # the code that a packed bundle carries

from vdes.phantom.generate import generate  # noqa: E402
from vdes.phantom.settings import Settings  # noqa: E402

SMALL = {"precision": "float32", "num_workers": 0, "device": "cpu", "height": 96}


class TestRealVsVirtualDes(unittest.TestCase):
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

    def test_inference_config(self):
        made = self.check(["inference"], "infer", "judged")
        self.assertEqual(len((made / "predictions.csv").read_text().splitlines()), 1 + 16 * (4 + 2 + 1))
        self.assertEqual(len(list((made / "virtual_des").glob("*.png"))), 16 * 4)


if __name__ == "__main__":
    unittest.main()
