import pytest

from vdes.errors import InputError
from vdes.knobs import choice, switch


@pytest.mark.parametrize(
    ("given", "state"), [(True, True), (False, False), ("true", True), ("false", False), ("False", False)]
)
def test_a_switch_is_a_boolean_or_its_text(given: bool | str, state: bool) -> None:
    assert switch("amp", given) is state


@pytest.mark.parametrize("given", ["no", "0", 0, None, ""])
def test_anything_else_is_an_error_that_names_the_knob(given: object) -> None:
    with pytest.raises(InputError, match=r"^amp: .*expected true or false$"):
        switch("amp", given)  # type: ignore[arg-type]


def test_a_choice_is_what_its_text_stands_for() -> None:
    assert choice("fruit", "pear", {"apple": 1, "pear": 2}) == 2
    with pytest.raises(InputError, match=r"^fruit: 'plum'; expected apple or pear$"):
        choice("fruit", "plum", {"apple": 1, "pear": 2})
