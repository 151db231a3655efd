from __future__ import annotations

from vdes.study.arms import compared, study_arms


def test_the_arms_are_those_of_a_fair_answer() -> None:
    arms = {arm.arm: arm for arm in study_arms(["unet"], retrained=True)}
    assert list(arms) == [
        "des",
        "low_energy",
        "low_energy+des",
        "virtual_des-unet",
        "low_energy+virtual_des-unet",
        "low_energy+low_energy",
        "virtual_des-unet-retrained",
        "low_energy+virtual_des-unet-retrained",
        "low_energy+low_energy-retrained",
        "low_energy+shuffled_des",
    ]
    assert arms["des"].reference is None
    assert arms["virtual_des-unet"].reference == arms["virtual_des-unet-retrained"].reference == "des"
    assert arms["low_energy+virtual_des-unet"].reference == "low_energy+des"
    assert arms["low_energy+low_energy"].reference == "low_energy"
    assert {arm.inputs for arm in arms.values() if arm.content == "virtual"} == {"des", "both"}


def test_arms_of_one_content_share_their_images() -> None:
    arms = study_arms(["unet", "cyclegan"], retrained=True)
    assert {arm.images for arm in arms if arm.generator == "unet"} == {"virtual-unet"}
    assert {arm.images for arm in arms if arm.generator is None} == {"real", "low_energy", "shuffled"}


def test_weights_that_know_des_alone_have_no_arm_with_low_energy() -> None:
    assert [arm.arm for arm in study_arms(["unet"], seen=["des"])] == ["des", "virtual_des-unet"]
    retrained = study_arms(["unet"], retrained=True, seen=["des"])
    assert {arm.arm for arm in retrained if arm.classifier == "retrained"} == {
        "virtual_des-unet-retrained",
        "low_energy+virtual_des-unet-retrained",
        "low_energy+low_energy-retrained",
    }


def test_arms_are_compared_where_their_reference_is_known() -> None:
    arms = study_arms(["unet"])
    assert [(arm.arm, reference) for arm, reference in compared(arms, {"des"})] == [
        ("low_energy", "des"),
        ("low_energy+des", "des"),
        ("virtual_des-unet", "des"),
    ]
    assert [arm.arm for arm, _ in compared(arms, {"des"}, "virtual")] == ["virtual_des-unet"]
