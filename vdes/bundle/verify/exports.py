"""Compare TorchScript and ONNX exports of every file of weights with the network itself."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import onnxruntime
import torch
from monai.data import load_net_with_metadata, save_net_with_metadata
from monai.networks import convert_to_torchscript
from torch import nn

from vdes.bundle.bundle import Bundle
from vdes.bundle.verify.line import Line
from vdes.bundle.verify.network import MULTIPLES, accepted_channels, build, example, first_line, is_dynamic

# of an export from the network, by the form of the export
LARGEST_DIFFERENCE = {"TorchScript": 1e-5, "ONNX": 1e-4}
BATCHES = (1, 2, 3)
Export = Callable[[Bundle, nn.Module, torch.Tensor, Path], Callable[[torch.Tensor], torch.Tensor]]


def check_exports(bundle: Bundle) -> Iterator[Line]:
    """Report weights that cannot be exported and read back, and by how much the results of exports differ."""
    files: list[str | None] = [*bundle.stored_weights]
    for weights in files or [None]:
        where = weights or "network_def with random weights"
        try:
            network = build(bundle, weights)
            channels = accepted_channels(bundle, network)
        except Exception as error:
            yield Line(where, f"export: the network does not run: {first_line(error)}")
            continue
        for name, export in (("TorchScript", to_torchscript), ("ONNX", to_onnx)):
            line = _compared(bundle, where, name, export, network, channels, BATCHES)
            if not line.good:  # a trace may be limited to the batch size that it was made with
                line = _compared(bundle, where, name, export, network, channels, BATCHES[:1])
            yield line


def _compared(
    bundle: Bundle,
    where: str,
    name: str,
    export: Export,
    network: nn.Module,
    channels: tuple[int, ...],
    batches: Sequence[int],
) -> Line:
    """Export at one size, with a batch of one, and compare at other sizes and the batches given."""
    sizes = MULTIPLES if is_dynamic(bundle) else MULTIPLES[:1]
    largest = 0.0
    try:
        with tempfile.TemporaryDirectory() as folder, torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exported = export(bundle, network, example(bundle, 2, 1, channels), Path(folder) / "model")
            for image in (example(bundle, n, batch, channels) for n in sizes for batch in batches):
                difference = (exported(image) - network(image)).abs().max()
                largest = max(largest, float(difference.nan_to_num(torch.inf)))
    except Exception as error:
        return Line(where, f"{name}: {first_line(error)}")
    if largest > LARGEST_DIFFERENCE[name]:
        expected = f"expected {LARGEST_DIFFERENCE[name]:.0e} or less"
        return Line(where, f"{name}: differs by {largest:.1e} from torch; {expected}")
    shape = " x ".join(map(str, bundle.metadata["network_data_format"]["inputs"]["image"]["spatial_shape"]))
    absent = example(bundle, 1, 1, channels).isnan().any()
    input_ = f"channel {channels[0]} alone" if bool(absent) else "all channels"
    batch = "any batch" if len(batches) > 1 else "batch 1"
    return Line(where, f"{name}: differs by {largest:.1e} at most from torch ({shape}, {batch}, {input_})", good=True)


def to_torchscript(
    bundle: Bundle, network: nn.Module, image: torch.Tensor, file: Path
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Script, write with the metadata as ``ckpt_export`` does by default and the model zoo asks, and read again."""
    scripted = convert_to_torchscript(network)
    save_net_with_metadata(scripted, str(file), meta_values=bundle.metadata, include_config_vals=False)
    loaded, _, _ = load_net_with_metadata(f"{file}.ts")
    return lambda image: loaded(image)


def to_onnx(
    bundle: Bundle, network: nn.Module, image: torch.Tensor, file: Path
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Trace to ONNX with a dynamic batch, and dynamic rows and columns if the metadata leave them open."""
    image_axes = {0: "batch"}
    data = bundle.metadata["network_data_format"]
    for axis, size in enumerate(data["inputs"]["image"]["spatial_shape"], start=2):
        if isinstance(size, str):
            image_axes[axis] = ("height", "width", "depth")[axis - 2]
    last = 1 + len(data["outputs"]["pred"]["spatial_shape"])
    pred_axes = {axis: name for axis, name in image_axes.items() if axis <= last}
    torch.onnx.export(
        network,
        (image,),
        str(file.with_suffix(".onnx")),
        input_names=["image"],
        output_names=["pred"],
        dynamic_axes={"image": image_axes, "pred": pred_axes},
        dynamo=False,  # tracing, because torch.export refuses branches on the values of an image
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # any failure is an exception
    session = onnxruntime.InferenceSession(str(file.with_suffix(".onnx")), options)
    return lambda image: torch.from_numpy(session.run(None, {"image": image.numpy()})[0])
