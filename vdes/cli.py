"""The `vdes` command. Each sub-command imports what it needs when it runs, so that `vdes --help` is quick."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vdes import __version__
from vdes.errors import EXIT_STATUS, InputError

if TYPE_CHECKING:
    SubParsers = argparse._SubParsersAction[argparse.ArgumentParser]

INTERRUPTED = 130  # what shells report for a process ended by Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments without the program's name; None takes the process's own.

    Returns:
        Exit status: 0, 1 for an audit that found shared patients, 2 for bad input, 130 when interrupted.
    """
    arguments = build_parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_STATUS
    except OSError as error:
        print(f"error: {error.filename or 'file system'}: {error.strerror or error}", file=sys.stderr)
        return EXIT_STATUS
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with all sub-commands."""
    parser = argparse.ArgumentParser(
        prog="vdes", description="Virtual dual-energy subtracted (DES) images from low-energy mammograms."
    )
    parser.add_argument("--version", action="version", version=f"vdes {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_datalist(subparsers)
    add_audit(subparsers)
    add_phantom(subparsers)
    add_synthesize(subparsers)
    add_study(subparsers)
    return parser


def add_datalist(subparsers: SubParsers) -> None:
    """Register ``vdes datalist``, which has a sub-command for each source of images."""
    parser = subparsers.add_parser(
        "datalist",
        help="list the images of a data set, with labels, lesion masks and splits",
        description="List the images of a data set, with labels, lesion masks and splits by patient, as MONAI's JSON.",
    )
    sources = parser.add_subparsers(title="sources", metavar="SOURCE", required=True)
    add_datalist_cdd_cesm(sources)
    add_datalist_dicom(sources)
    add_datalist_virtual(sources)


def add_datalist_cdd_cesm(subparsers: SubParsers) -> None:
    """Register ``vdes datalist cdd-cesm``."""
    parser = subparsers.add_parser(
        "cdd-cesm",
        help="the official folder of CDD-CESM",
        description=(
            "Read the official folder of CDD-CESM: the two image folders, the annotation table and the segmentations. "
            "Writes the datalist F and, beside it, the lesion masks in <stem of F>_masks; prints what was left out."
        ),
        epilog="example: vdes datalist cdd-cesm CDD-CESM --output cdd_cesm.json",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder that holds the two image folders")
    parser.add_argument("--output", metavar="F", type=Path, required=True, help="datalist to write (.json)")
    parser.add_argument(
        "--label",
        choices=("low_energy", "des"),
        default="des",
        help="image whose row labels a pair; in 83 of 1003 pairs the two differ. The DES row is the reading with "
        "contrast agent (default: %(default)s)",
    )
    parser.add_argument(
        "--folds",
        metavar="K",
        type=int,
        help="in place of one hold-out split, write K datalists <stem>_fold0.json ... whose test sets cover all cases",
    )
    parser.add_argument(
        "--test-fraction",
        metavar="X",
        type=float,
        help="share of the patients in the test set (default: 0.2; not with --folds)",
    )
    parser.add_argument(
        "--validation-fraction",
        metavar="X",
        type=float,
        default=0.1,
        help="share of the patients in the validation set (default: %(default)s)",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the split (default: %(default)s)")
    parser.add_argument(
        "--splits-of",
        metavar="F",
        type=Path,
        help="datalist whose patients keep their sections, such as that of a generator which was trained already; the "
        "others are split as usual (not with --folds)",
    )
    parser.add_argument(
        "--include-unpaired", action="store_true", help="keep images without a partner; the missing one is null"
    )
    parser.add_argument(
        "--annotations",
        metavar="FILE",
        type=Path,
        help="annotation xlsx or csv (default: Radiology*annotations* in DIR)",
    )
    parser.add_argument(
        "--segmentations",
        metavar="FILE",
        type=Path,
        help="VIA csv (default: Radiology*segmentations*.csv in DIR, or none)",
    )
    parser.add_argument(
        "--drawn-on",
        metavar="DIR2",
        type=Path,
        help="where the images in DIR are copies of another size: a folder of the same layout with the images that the "
        "lesions were drawn on, and their VIA csv",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the datalist and the masks if they exist")
    parser.set_defaults(run=run_datalist_cdd_cesm)


def run_datalist_cdd_cesm(arguments: argparse.Namespace) -> int:
    """Run ``vdes datalist cdd-cesm``."""
    from vdes.data.cdd_cesm.datalist import write_cdd_cesm
    from vdes.data.summary import summary

    if arguments.folds is not None and arguments.test_fraction is not None:
        raise InputError("--test-fraction: the test sets of --folds are the folds; pass one of the two")
    datalists = write_cdd_cesm(
        arguments.folder,
        arguments.output,
        label=arguments.label,
        folds=arguments.folds,
        test_fraction=0.2 if arguments.test_fraction is None else arguments.test_fraction,
        validation_fraction=arguments.validation_fraction,
        seed=arguments.seed,
        include_unpaired=arguments.include_unpaired,
        annotations=arguments.annotations,
        segmentations=arguments.segmentations,
        drawn_on=arguments.drawn_on,
        splits_of=arguments.splits_of,
        overwrite=arguments.overwrite,
    )
    for path, datalist in datalists.items():
        print(f"wrote {path}\n{summary(datalist)}")
    return 0


def add_datalist_dicom(subparsers: SubParsers) -> None:
    """Register ``vdes datalist dicom``."""
    parser = subparsers.add_parser(
        "dicom",
        help="a folder of DICOM studies",
        description=(
            "Find the low-energy and DES images in a folder of DICOM studies by their headers, pair them by study, "
            "laterality, view and time, and write the datalist F. Prints what was left out, and why."
        ),
        epilog="example: vdes datalist dicom studies --output studies.json --labels labels.xlsx",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder of studies, sub-folders included")
    parser.add_argument("--output", metavar="F", type=Path, required=True, help="datalist to write (.json)")
    parser.add_argument(
        "--labels",
        metavar="FILE",
        type=Path,
        help="xlsx or csv with StudyInstanceUID or AccessionNumber, and any of laterality (L or R; empty for both), "
        "pathology, density, birads",
    )
    parser.add_argument(
        "--test-fraction",
        metavar="X",
        type=float,
        default=0.2,
        help="share of the patients in the test set (default: %(default)s)",
    )
    parser.add_argument(
        "--validation-fraction",
        metavar="X",
        type=float,
        default=0.1,
        help="share of the patients in the validation set (default: %(default)s)",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of the split (default: %(default)s)")
    parser.add_argument(
        "--include-unpaired", action="store_true", help="keep images without a partner; the missing one is null"
    )
    parser.add_argument("--workers", metavar="N", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace the datalist if it exists")
    parser.set_defaults(run=run_datalist_dicom)


def run_datalist_dicom(arguments: argparse.Namespace) -> int:
    """Run ``vdes datalist dicom``."""
    from vdes.data.dicom_folder.datalist import write_dicom_datalist
    from vdes.data.summary import summary

    datalist = write_dicom_datalist(
        arguments.folder,
        arguments.output,
        labels=arguments.labels,
        test_fraction=arguments.test_fraction,
        validation_fraction=arguments.validation_fraction,
        seed=arguments.seed,
        include_unpaired=arguments.include_unpaired,
        workers=arguments.workers,
        overwrite=arguments.overwrite,
    )
    print(f"wrote {arguments.output}\n{summary(datalist)}")
    return 0


def add_datalist_virtual(subparsers: SubParsers) -> None:
    """Register ``vdes datalist virtual``."""
    parser = subparsers.add_parser(
        "virtual",
        help="a datalist, with virtual DES images in place of the real ones",
        description=(
            "Write a datalist like SOURCE whose DES images are those that a generator's inference made of its "
            "low-energy images: the same cases, labels and splits, for a classifier to be trained or evaluated on."
        ),
        epilog="example: vdes datalist virtual datalist.json virtual_des --output virtual.json",
    )
    parser.add_argument("source", metavar="SOURCE", type=Path, help="datalist that the generator worked on")
    parser.add_argument("images", metavar="DIR", type=Path, help="folder of its outputs (16-bit PNG)")
    parser.add_argument("--output", metavar="F", type=Path, required=True, help="datalist to write (.json)")
    parser.add_argument("--overwrite", action="store_true", help="replace the datalist if it exists")
    parser.set_defaults(run=run_datalist_virtual)


def run_datalist_virtual(arguments: argparse.Namespace) -> int:
    """Run ``vdes datalist virtual``."""
    from vdes.data.summary import summary
    from vdes.data.virtual_datalist import write_virtual_datalist

    datalist = write_virtual_datalist(arguments.source, arguments.images, arguments.output, arguments.overwrite)
    print(f"wrote {arguments.output}\n{summary(datalist)}")
    return 0


def add_audit(subparsers: SubParsers) -> None:
    """Register ``vdes audit``."""
    parser = subparsers.add_parser(
        "audit",
        help="find patients that splits share",
        description=(
            "Find patients that splits share. A datalist's sections are its splits; a csv, tsv or txt list with image "
            "names is one split, named by its stem. Give together the files that one experiment uses; splits of the "
            "same name are one."
        ),
        epilog="exit status: 0 no patient shared, 1 some shared, 2 bad input. example: vdes audit train.txt test.txt",
    )
    parser.add_argument(
        "files", metavar="FILE", type=Path, nargs="+", help="datalist (.json) or split list (.csv .tsv .txt)"
    )
    parser.add_argument(
        "--patient-pattern",
        metavar="REGEX",
        help="regular expression with one group that finds the patient in an image name, folders included, separated "
        "by / (default: P and digits at the start of the file name)",
    )
    parser.set_defaults(run=run_audit)


def run_audit(arguments: argparse.Namespace) -> int:
    """Run ``vdes audit``."""
    from vdes.data.audit import PATIENT_PATTERN, overlaps, read_splits

    splits = read_splits(arguments.files, arguments.patient_pattern or PATIENT_PATTERN)
    for name, patients in splits.items():
        print(f"{name}: {len(patients)} patients")
    leaks = [overlap for overlap in overlaps(splits) if overlap.patients]
    for leak in leaks:
        print(
            f"{leak.first} and {leak.second} share {len(leak.patients)} patients, {100 * leak.share:.1f} % of those in "
            f"{leak.smaller}: {', '.join(leak.patients)}"
        )
    if not leaks:
        print("no patient is in two splits")
    return 1 if leaks else 0


def add_phantom(subparsers: SubParsers) -> None:
    """Register ``vdes phantom``."""
    parser = subparsers.add_parser(
        "phantom",
        help="simulate patients with known truth",
        description=(
            "Simulate contrast-enhanced spectral mammograms with known truth: patients with two breasts in two views "
            "each, two thirds of them with one lesion. Writes OUT/images, OUT/truth.csv (everything that was drawn), "
            "OUT/oracle.csv (the ceiling of any classifier) and OUT/datalist.json, split by patient. An interrupted "
            "run goes on when the command is given again; the bytes do not depend on the number of workers."
        ),
        epilog="example: vdes phantom phantoms --patients 50 --seed 0 --size 256 --workers 2",
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write; must be empty or not exist")
    parser.add_argument(
        "--patients", metavar="N", type=int, default=50, help="patients, four views of each (default: %(default)s)"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of everything (default: %(default)s)")
    parser.add_argument(
        "--size",
        metavar="PX",
        type=int,
        default=512,
        help="rows of an image, a multiple of 4; the columns are three quarters of it and the field is 240 x 180 mm "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        metavar="F",
        default="png",
        help="png, nifti, or dicom: low energy and DES as GE's and Hologic's mammographs would send them, the rest as "
        "png (default: %(default)s)",
    )
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument(
        "--dose", metavar="X", type=float, default=1.0, help="multiple of the clinical exposure (default: %(default)s)"
    )
    parser.add_argument(
        "--preset",
        metavar="P",
        default="rh-ag",
        help="beams: rh-rh (29|49 kVp), rh-ag (34|49) or w-rh (29|45) (default: %(default)s)",
    )
    parser.add_argument(
        "--le-contrast",
        metavar="C",
        default="post",
        help="post: the low-energy image is taken after the contrast agent, as in the clinic; pre: without iodine, as "
        "in mammography (default: %(default)s)",
    )
    parser.add_argument(
        "--morphology-dprime",
        metavar="D",
        type=float,
        default=1.4,
        help="how far the shape of malignant lesions lies from that of benign ones, in standard deviations (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--enhancement-dprime",
        metavar="D",
        type=float,
        default=1.4,
        help="the same for their enhancement (default: %(default)s, with which 8 %% of malignant lesions do not "
        "enhance)",
    )
    parser.add_argument(
        "--coupling",
        metavar="R",
        type=float,
        default=0.5,
        help="correlation of the two within a class, 0 to 1: with 1 shape tells enhancement (default: %(default)s)",
    )
    parser.add_argument(
        "--test-fraction",
        metavar="X",
        type=float,
        default=0.25,
        help="share of the patients in the test set (default: %(default)s)",
    )
    parser.add_argument(
        "--validation-fraction",
        metavar="X",
        type=float,
        default=0.1,
        help="share of the patients in the validation set; with a sum of 1 none is for training (default: %(default)s)",
    )
    parser.add_argument(
        "--density",
        metavar="ABCD",
        default="abcd",
        help="density classes of the breasts, a (fat) to d (dense), each as frequent beside the others as among women; "
        "with a or ab most lesions show in the low-energy image too (default: %(default)s)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the phantom set in OUT")
    parser.set_defaults(run=run_phantom)


def run_phantom(arguments: argparse.Namespace) -> int:
    """Run ``vdes phantom``."""
    from dataclasses import fields

    from vdes.phantom.generate import generate
    from vdes.phantom.settings import Settings

    settings = Settings(**{field.name: getattr(arguments, field.name) for field in fields(Settings)})
    print(f"wrote {generate(arguments.out, settings, arguments.workers, arguments.overwrite)}")
    return 0


def add_synthesize(subparsers: SubParsers) -> None:
    """Register ``vdes synthesize``."""
    parser = subparsers.add_parser(
        "synthesize",
        help="make the virtual DES images of a study in an archive",
        description=(
            "Fetch the low-energy images of a study from an archive by DICOMweb, make virtual DES images and store "
            "them in the same study. User and password are taken from ~/.netrc, certificates from REQUESTS_CA_BUNDLE."
        ),
        epilog="example: vdes synthesize --dicomweb https://pacs.example.org/dicom-web --study 1.2.840.113619.2.1",
    )
    parser.add_argument("--dicomweb", metavar="URL", required=True, help="base URL of the archive's DICOMweb services")
    parser.add_argument("--study", metavar="UID", required=True, help="StudyInstanceUID")
    parser.add_argument(
        "--bundle",
        metavar="DIR",
        type=Path,
        default=Path("bundles/breast_cesm_virtual_des_unet"),
        help="folder of the bundle that makes them (default: %(default)s)",
    )
    parser.add_argument(
        "--compression",
        metavar="C",
        default="none",
        help="none, jpeg-2000, jpeg-ls or rle, all lossless (default: %(default)s)",
    )
    parser.set_defaults(run=run_synthesize)


def run_synthesize(arguments: argparse.Namespace) -> int:
    """Run ``vdes synthesize``."""
    from vdes.bundle.synthesize_study import synthesize_study

    stored = synthesize_study(arguments.dicomweb, arguments.study, arguments.bundle, arguments.compression)
    print(f"stored {len(stored)} virtual DES images in study {arguments.study}")
    return 0


def add_study(subparsers: SubParsers) -> None:
    """Register ``vdes study``."""
    parser = subparsers.add_parser(
        "study",
        help="ask whether virtual DES images can replace the real ones",
        description=(
            "Run all arms of the real-vs-virtual study on the same test patients - low energy, real DES, both, the "
            "virtual DES of each generator alone and beside low energy, and the controls - and write DIR/report.html, "
            "DIR/metrics.json and the predictions of each arm. An interrupted study goes on when the same command is "
            "given again. Of the cases, one of --datalist, --cdd-cesm and --phantom is given."
        ),
        epilog=(
            "examples: vdes study --phantom 120 --output study   "
            "vdes study --datalist mine.json --output study --generator mine=bundles/mine,height=512   "
            "vdes study --datalist mine.json --output study --train --folds 5 --dry-run"
        ),
    )
    cases = parser.add_argument_group("cases")
    source = cases.add_mutually_exclusive_group(required=True)
    source.add_argument("--datalist", metavar="F", type=Path, help="a datalist (vdes datalist --help)")
    source.add_argument("--cdd-cesm", metavar="DIR", type=Path, help="the official folder of CDD-CESM")
    source.add_argument(
        "--phantom",
        metavar="N",
        type=int,
        help="make N phantom test patients, and a third as many for validation, in DIR/data",
    )
    parser.add_argument("--output", metavar="DIR", type=Path, required=True, help="folder of the study")
    models = parser.add_argument_group("models")
    models.add_argument(
        "--bundles",
        metavar="DIR",
        type=Path,
        default=Path("bundles"),
        help="folder of vdes's bundles, whose weights for phantoms or for CDD-CESM are taken (default: %(default)s)",
    )
    models.add_argument(
        "--generator",
        metavar="NAME=BUNDLE",
        action="append",
        help="a generator in place of vdes's own: the folder of its bundle, and knobs of its inference after commas, "
        "such as unet=my_bundle,height=512,ckpt_path=model.pt; may be given several times",
    )
    models.add_argument(
        "--classifier", metavar="BUNDLE", help="the classifier, likewise: my_classifier,ckpt_path=model.pt"
    )
    models.add_argument(
        "--retrain-epochs",
        metavar="N",
        type=int,
        help="also retrain the classifier on virtual images, for N epochs; the datalist must have training cases",
    )
    training = parser.add_argument_group("training from nothing")
    training.add_argument(
        "--train", action="store_true", help="train every generator and the classifier inside each fold"
    )
    training.add_argument("--folds", metavar="K", type=int, default=5, help="by patient (default: %(default)s)")
    training.add_argument(
        "--generator-epochs", metavar="N", type=int, help="of each generator (default: those of its bundle)"
    )
    training.add_argument(
        "--classifier-epochs", metavar="N", type=int, help="of each classifier (default: those of its bundle)"
    )
    training.add_argument(
        "--only", metavar="K=V,...", help="run only the steps of one fold or model, such as fold=2,model=cyclegan"
    )
    training.add_argument(
        "--processes", metavar="N", type=int, default=1, help="GPUs of each training, by torchrun (default: 1)"
    )
    question = parser.add_argument_group("question, fixed before the run")
    question.add_argument(
        "--metric", metavar="M", default="f1", help="f1, auc, sensitivity, ... (default: %(default)s)"
    )
    question.add_argument(
        "--level", metavar="L", default="examination", help="image, breast or examination (default: %(default)s)"
    )
    question.add_argument(
        "--margin", metavar="X", type=float, default=0.05, help="largest loss to accept (default: %(default)s)"
    )
    question.add_argument(
        "--arm", metavar="A", help="arm that would replace real DES (default: virtual_des-NAME of the first generator)"
    )
    question.add_argument(
        "--resamples", metavar="N", type=int, default=10_000, help="bootstrap samples (default: %(default)s)"
    )
    parser.add_argument(
        "--height",
        metavar="PX",
        type=int,
        help="rows of the images that are compared, and trained on with --train (default: 256 for phantoms, else 512)",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of everything (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="list the steps and how long they may take")
    parser.add_argument("--overwrite", action="store_true", help="begin anew in a folder that holds a study")
    parser.set_defaults(run=run_study)


def run_study(arguments: argparse.Namespace) -> int:
    """Run ``vdes study``."""
    from vdes.bundle.steps import parsed_only, plan
    from vdes.report.study_report import write_report
    from vdes.study import run_study as job
    from vdes.study.from_arguments import study_from_arguments
    from vdes.study.study import STEPS
    from vdes.study.study_steps import study_steps

    study = study_from_arguments(arguments)
    only = parsed_only(arguments.only)
    if arguments.dry_run:
        job.check_weights(study)
        print(plan(study_steps(study), study.output / STEPS, only))
        return 0
    failed = job.run_study(study, arguments.overwrite, only)
    if not only:
        report = write_report(study.output)
        print(f"{job.answer(study)}\nreport: {report}")
    for step, reason in failed.items():
        print(f"error: {step}: {reason}", file=sys.stderr)
    return EXIT_STATUS if failed else 0


if __name__ == "__main__":
    sys.exit(main())
