"""The data set of Van Dyke et al.: five readers, single spin-echo and cine MR, 114 patients, 45 with a dissection.

Van Dyke, White, Obuchowski et al., "Cine MRI in the diagnosis of thoracic aortic dissection", 79th RSNA Meeting, 1993.
The ratings are those that come with the programs of the University of Iowa (OR-DBM MRMC) and with the R packages
MRMCaov, MRMCbinary and RJafroc (its file VD.lrc), whose published results are the known answers here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

MODALITIES = ("spin_echo", "cine")


@pytest.fixture(scope="session")
def van_dyke() -> tuple[np.ndarray, np.ndarray]:
    """Labels (114,) and ratings (2, 5, 114)."""
    table = pd.read_csv(Path(__file__).with_name("van_dyke.csv"))
    ratings = [[table[f"R{reader}_{modality}"] for reader in range(1, 6)] for modality in MODALITIES]
    return table["malignant"].to_numpy(), np.array(ratings, dtype=float)
