"""Controls: grids, labels, and the messages that bad ones get."""

import pytest

from nnbook.showing import Choice, Play, Slider


def test_a_grid_holds_the_decimals_that_an_author_would_write():
    slider = Slider(0.1, 5.0, value=1.0, step=0.1)
    assert len(slider) == 50
    assert slider.values[2] == 0.3  # not 0.30000000000000004
    assert slider.labels[0] == "0.1" and slider.labels[9] == "1.0"
    assert slider.start == 1.0


def test_integers_in_integers_out():
    assert Slider(1, 7, step=2).values == (1, 3, 5, 7)
    assert all(type(v) is int for v in Slider(0, 40).values)
    assert all(type(v) is int for v in Slider(0, 100, num=11).values)


def test_without_a_step_the_smallest_round_one_gives_at_most_50_values():
    assert len(Slider(0.1, 5.0)) == 50
    assert Slider(0.0, 1.0).values[:2] == (0.0, 0.025)
    assert len(Slider(-6.0, 6.0)) <= 50


def test_a_logarithmic_grid_is_printed_as_it_is_drawn():
    slider = Slider(1e-3, 1e3, num=7, log=True)
    assert slider.values == (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
    assert slider.labels == ("0.001", "0.01", "0.1", "1", "10", "100", "1000")


def test_negative_values_print_a_minus_sign():
    assert Slider(-1, 1).labels == ("−1", "0", "1")


def test_a_start_off_the_grid_is_refused_with_its_neighbours():
    with pytest.raises(ValueError, match=r"value 0\.33 is not on the grid.*0\.25 and 0\.50"):
        Slider(0, 1, value=0.33, step=0.25)
    with pytest.raises(ValueError, match=r"value 9 is not on the grid 0, 1, \.\.\., 5"):
        Slider(0, 5, value=9)
    with pytest.raises(ValueError, match="'gelu' is not on the grid of 'relu', 'tanh'"):
        Choice("relu", "tanh", value="gelu")
    with pytest.raises(ValueError, match="value True"):
        Slider(0, 5, value=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Slider(2, 1), "low must be less than high, got low = 2 and high = 1"),
        (lambda: Slider(0, float("inf")), "high must be a finite number, got inf"),
        (lambda: Slider("a", 1), "low must be a finite number, got 'a'"),
        (lambda: Slider(0.0, 1.0, step=0.3), "step = 0.3 does not divide.*last value would be 0.9"),
        (lambda: Slider(0, 1, step=0.1, num=11), "step or num, not both"),
        (lambda: Slider(0, 1, step=-0.1), "step must be a positive number, got -0.1"),
        (lambda: Slider(0, 1, num=1), "num must be an integer of at least 2, got 1"),
        (lambda: Slider(0, 1, num=3, log=True), "log=True needs low > 0"),
        (lambda: Slider(1, 10, log=True), "log=True needs num"),
        (lambda: Slider(0.0, 1.0, num=11, format=".0f"), "print as '0'"),
        (lambda: Slider(0, 1, format="q"), "format 'q' cannot print"),
        (lambda: Slider(0, 3, label=""), "label must be a non-empty string"),
        (lambda: Slider.of(1, 3, 2), "values must increase"),
        (lambda: Slider.of(1), "at least two values"),
        (lambda: Choice("a"), "at least two values"),
        (lambda: Choice("a", "a"), "two values of the choice print as 'a'"),
        (lambda: Choice("a", "b", names={"c": "C"}), "names has 'c'"),
        (lambda: Play(3, 3), "first < last, got first = 3"),
        (lambda: Play(0, 2.5), "integers"),
        (lambda: Play(0, 3, interval=50), "at least 200 ms"),
        (lambda: Play(0, 3, names=["a"]), "one entry a step, 4; got 1"),
    ],
)
def test_a_bad_control_says_what_was_found(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_names_are_shown_and_values_are_handed_on():
    choice = Choice("relu", "tanh", names={"relu": "ReLU"}, value="tanh")
    assert choice.labels == ("ReLU", "tanh") and choice.values == ("relu", "tanh")
    assert choice.start == "tanh"
    assert Play(0, 1, names=["forward", "back"]).labels == ("forward", "back")
