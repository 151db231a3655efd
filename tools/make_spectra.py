"""Write ``vdes/phantom/beams.csv``: the spectra and attenuation coefficients that the CESM phantom uses.

Needs SpekPy (spectra; Poludniowski et al., Med Phys 48:3630, 2021) and xraydb (Elam's attenuation tables), which vdes
itself does not need: ``pip install spekpy xraydb``. Tissue compositions are those of Hammerstein et al., Radiology
130:485, 1979, with ash treated as phosphorus.

    python tools/make_spectra.py            # rewrites the shipped file: the same bytes with the versions named in it
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from vdes.data.staging import staged

STEP_KEV = 0.5
# anode, kVp, filter, filter thickness in mm; the anode angle fits the half-value layers of published CESM beams
ANODE_ANGLE_DEGREES = 18
BEAMS = {
    "rh_rh_29": ("Rh", 29, "Rh", 0.025),
    "rh_ag_34": ("Rh", 34, "Ag", 0.030),
    "w_rh_29": ("W", 29, "Rh", 0.050),
    "rh_cu_49": ("Rh", 49, "Cu", 0.250),
    "w_cu_45": ("W", 45, "Cu", 0.300),
}
# density in g/cm3, mass fractions in percent
MATERIALS = {
    "adipose": (0.93, {"H": 11.2, "C": 61.9, "N": 1.7, "O": 25.1, "P": 0.1}),
    "glandular": (1.04, {"H": 10.2, "C": 18.4, "N": 3.2, "O": 67.7, "P": 0.5}),
    "skin": (1.09, {"H": 9.8, "C": 17.8, "N": 5.0, "O": 66.7, "P": 0.7}),
    "hydroxyapatite": (3.16, {"Ca": 39.9, "P": 18.5, "O": 41.4, "H": 0.2}),
    "aluminium": (2.699, {"Al": 100.0}),
    "caesium_iodide": (4.51, {"Cs": 51.15, "I": 48.85}),
    "selenium": (4.27, {"Se": 100.0}),
}


def main() -> None:
    """Compute the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parents[1] / "vdes" / "phantom" / "beams.csv"
    parser.add_argument("--out", type=Path, default=default, help="the CSV to write (default: the shipped one)")
    out = parser.parse_args().out

    import spekpy
    import xraydb

    energy = np.arange(8.25, 49.0, STEP_KEV)
    columns: dict[str, np.ndarray] = {"energy_kev": energy}
    for name, (anode, kvp, filter_material, filter_mm) in BEAMS.items():
        beam = spekpy.Spek(
            kvp=kvp, th=ANODE_ANGLE_DEGREES, targ=anode, physics="casim", dk=STEP_KEV, mu_data_source="pene"
        )
        beam.filter(filter_material, filter_mm)
        grid, fluence = beam.get_spectrum()
        # photons per mm2, keV and mGy of air kerma (SpekPy: per cm2 and keV; kerma in uGy; both per mAs)
        columns[name] = np.interp(energy, grid, fluence, left=0, right=0) / 100 / (beam.get_kerma() / 1000)
    for name, (density, fractions) in MATERIALS.items():
        total = sum(fractions.values())
        columns[f"{name}_per_cm"] = density * sum(
            part / total * xraydb.mu_elam(element, energy * 1e3) for element, part in fractions.items()
        )
    columns["iodine_cm2_per_g"] = xraydb.mu_elam("I", energy * 1e3)
    columns["air_energy_absorption_cm2_per_g"] = beam.muen_air_data.get_muen_over_rho_air(energy)
    header = (
        "# CESM beams (photons/mm2/keV/mGy air kerma) and attenuation on bins of 0.5 keV;"
        f" tools/make_spectra.py, SpekPy {spekpy.__version__}, xraydb {xraydb.__version__}\n"
    )
    rows = zip(*columns.values(), strict=True)
    text = "".join(",".join(f"{value:.5g}" for value in row) + "\n" for row in rows)
    with staged([out], overwrite=True) as stages:
        stages[out].write_text(header + ",".join(columns) + "\n" + text)
    print(f"{out}: {len(energy)} energies, {len(columns)} columns, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
