"""Each schedule is its formula at 50 digits, to its last step and past it."""

import math

import mpmath as mp
import numpy as np
import pytest

from nnbook.learning.schedules import (
    chain_schedules,
    constant_schedule,
    cosine_decay,
    cosine_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_warmup,
    one_cycle,
    polynomial_decay,
    step_decay,
)

A, E = 0.3, 0.007  # first and last rate
T = 37


def wave(high, low, share):
    """Half a wave from high (share 0) to low (share 1), as the docstrings print it."""
    return low + (high - low) * (1 + mp.cos(mp.pi * share)) / 2


def restarts(t, T, m):
    T = mp.mpf(T)
    while t >= T:
        t, T = t - T, T * m
    return wave(mp.mpf(A), mp.mpf(E), t / T)


def cycle(t):
    t, start = mp.mpf(t), mp.mpf(A) / 25
    end, peak = start / 10_000, 11  # floor of 0.3 times 37
    if t <= peak:
        return start + (A - start) * (1 - mp.cos(mp.pi * t / peak)) / 2
    return wave(mp.mpf(A), end, min(t - peak, T - peak) / (T - peak))


FORMULAS = {
    "constant": (constant_schedule(A), lambda t: mp.mpf(A)),
    "step": (step_decay(A, 0.7, 10), lambda t: mp.mpf(A) * mp.mpf(0.7) ** int(t // 10)),
    "exponential": (exponential_decay(A, 0.05), lambda t: A * mp.exp(-mp.mpf(0.05) * t)),
    "1/t": (inverse_time_decay(A, 0.05), lambda t: mp.mpf(A) / (1 + mp.mpf(0.05) * t)),
    "line": (polynomial_decay(A, T, end=E),
             lambda t: mp.mpf(E) + (mp.mpf(A) - E) * (1 - min(mp.mpf(t) / T, 1))),
    "power": (polynomial_decay(A, T, 2.5, E),
              lambda t: mp.mpf(E) + (mp.mpf(A) - E) * (1 - min(mp.mpf(t) / T, 1)) ** 2.5),
    "growing": (polynomial_decay(E, T, end=A),
                lambda t: mp.mpf(A) + (mp.mpf(E) - A) * (1 - min(mp.mpf(t) / T, 1))),
    "cosine": (cosine_decay(A, T, E), lambda t: wave(mp.mpf(A), mp.mpf(E), min(mp.mpf(t) / T, 1))),
    "cosine to 0": (cosine_decay(A, T), lambda t: wave(mp.mpf(A), 0, min(mp.mpf(t) / T, 1))),
    "restarts": (cosine_restarts(A, 10, end=E), lambda t: restarts(mp.mpf(t), 10, 1)),
    "growing restarts": (cosine_restarts(A, 5, 3, E), lambda t: restarts(mp.mpf(t), 5, 3)),
    "one cycle": (one_cycle(A, T), cycle),
    "warm-up": (linear_warmup(A, T, E), lambda t: E + (mp.mpf(A) - E) * min(1, mp.mpf(t) / T)),
}  # fmt: skip
EACH = pytest.mark.parametrize(("schedule", "formula"), FORMULAS.values(), ids=FORMULAS)
CONTINUOUS = [name for name in FORMULAS if name not in ("step", "restarts", "growing restarts")]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_is_its_formula(name):
    schedule, formula = FORMULAS[name]
    with mp.workdps(50):
        for t in [*range(200), 0.5, 9.999, 36.75, 10_000]:
            right, found = formula(t), schedule(t)
            assert type(found) is float
            assert abs(found - right) <= (8 + 0.05 * t) * 2.0**-53 * abs(right), (t, found)


@pytest.mark.parametrize("shape", ["line", "wave"])
def test_the_way_between_rates_that_are_far_apart_keeps_its_digits(shape):
    high, low, steps = 10.0, 1e-6, 10**6
    make = {"line": lambda a, e: linear_warmup(e, steps, a), "wave": lambda a, e: cosine_decay(
        a, steps, e)}[shape]  # fmt: skip
    with mp.workdps(50):
        for t in (0, 1, 999, 500_000, 999_000, 999_999, 10**6, 999_999.75):
            share = mp.mpf(t) / steps
            share = share if shape == "line" else (1 - mp.cos(mp.pi * share)) / 2
            for a, e in ((high, low), (low, high)):
                right = mp.mpf(a) * (1 - share) + mp.mpf(e) * share
                assert abs(make(a, e)(t) - right) <= 8 * mp.mpf(2) ** -53 * right


@EACH
def test_numpys_numbers_do_as_well_and_the_answer_is_the_same_twice(schedule, formula):
    for t in (0, 7, 36, 37, 100):
        assert schedule(np.int8(t)) == schedule(np.float32(t)) == schedule(t) == schedule(t)
        assert type(schedule(np.array(t))) is float


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_schedules_do_not_jump(name):
    schedule, _ = FORMULAS[name]
    for t in range(1, 80):
        assert abs(schedule(t) - schedule(t - 1e-9)) < 1e-8


def test_the_others_jump_where_they_say():
    for name, places in (("step", [10, 20]), ("restarts", [10, 20]), ("growing restarts", [5, 20])):
        schedule, _ = FORMULAS[name]
        for t in places:
            assert abs(schedule(t) - schedule(t - 1e-9)) > 0.04


@pytest.mark.parametrize(
    ("name", "last"),
    [("line", E), ("power", E), ("growing", A), ("cosine", E), ("cosine to 0", 0.0),
     ("warm-up", A), ("one cycle", A / 25 / 10_000)],
)  # fmt: skip
def test_past_the_end_a_schedule_stays_at_its_last_value(name, last):
    schedule, _ = FORMULAS[name]
    assert schedule(T) == schedule(T + 1) == schedule(10**9) == schedule(10**30) == last
    assert schedule(T - 1) != last


@pytest.mark.parametrize("name", ["line", "power", "cosine", "restarts", "constant", "step",
                                  "exponential", "1/t"])  # fmt: skip
def test_the_first_value_is_alpha_exactly(name):
    assert FORMULAS[name][0](0) == A


def test_near_the_end_the_cosine_keeps_its_digits():
    # 1 + cos cancels there: of sixteen digits six would be left
    schedule = cosine_decay(1.0, 10**6)
    with mp.workdps(50):
        right = wave(mp.mpf(1), 0, mp.mpf(10**6 - 1) / 10**6)
    assert abs(schedule(10**6 - 1) - right) < 4 * 2.0**-53 * right


def test_the_cosine_is_level_at_both_ends():
    schedule = cosine_decay(1.0, 1000)
    assert schedule(0) - schedule(1) < 3e-6 and schedule(999) - schedule(1000) < 3e-6
    assert schedule(500) - schedule(501) > 1.5e-3


def test_restarts_grow_by_the_multiplier_and_go_on_for_ever():
    schedule = cosine_restarts(1.0, 3, 2)
    starts = [t for t in range(1, 200) if schedule(t) == 1.0]
    assert starts == [3, 9, 21, 45, 93, 189]
    plain = cosine_restarts(1.0, 3)
    assert [t for t in range(1, 20) if plain(t) == 1.0] == [3, 6, 9, 12, 15, 18]
    assert plain(3 * 10**17 + 1) == plain(1)
    assert schedule(3 * (2**60 - 1)) == 1.0


def test_one_cycle_reaches_its_peak_at_the_share_of_the_warm_up():
    schedule = one_cycle(2.0, 100, warmup=0.25, divisor=4, final_divisor=5)
    values = [schedule(t) for t in range(120)]
    assert int(np.argmax(values)) == 25 and values[25] == 2.0
    assert values[0] == 0.5 and values[100] == values[119] == pytest.approx(0.1, rel=1e-15)
    assert (np.diff(values[:26]) > 0).all() and (np.diff(values[25:101]) < 0).all()
    assert one_cycle(1.0, 2, warmup=0.01)(1) == 1.0


def test_a_warm_up_from_0_makes_a_first_step_of_0():
    assert linear_warmup(0.1, 4)(0) == 0.0
    assert linear_warmup(0.1, 1)(1) == 0.1


def test_a_chain_starts_each_schedule_at_its_own_0():
    asked = []

    def spy(t):
        asked.append(t)
        return 0.5

    chain = chain_schedules([linear_warmup(0.5, 4), spy, constant_schedule(0.1)], [4, 6])
    assert [chain(t) for t in range(8)] == [0.0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.1, 0.1]
    assert asked == [0, 1]
    assert chain(4.5) == 0.5 and asked[-1] == 0.5
    assert chain_schedules([constant_schedule(0.1)], [])(7) == 0.1


def test_the_sum_of_1_over_t_grows_and_its_squares_do_not():
    schedule = inverse_time_decay(1.0, 1.0)
    values = np.array([schedule(t) for t in range(20_000)])
    assert values.sum() > 10 and (values**2).sum() < math.pi**2 / 6


@EACH
@pytest.mark.parametrize(
    ("t", "error"),
    [(-1, ValueError), (np.nan, ValueError), (np.inf, ValueError), ("1", TypeError),
     (None, TypeError), (np.arange(3), TypeError), (True, TypeError)],
)  # fmt: skip
def test_the_number_of_steps_is_checked(schedule, formula, t, error):
    with pytest.raises(error, match="t must"):
        schedule(t)


RATES = [
    ("alpha", lambda a: constant_schedule(a)), ("alpha", lambda a: step_decay(a, 0.5, 3)),
    ("alpha", lambda a: exponential_decay(a, 0.1)), ("alpha", lambda a: inverse_time_decay(a, 0.1)),
    ("alpha", lambda a: polynomial_decay(a, 3)), ("alpha", lambda a: cosine_decay(a, 3)),
    ("alpha", lambda a: cosine_restarts(a, 3)), ("alpha", lambda a: one_cycle(a, 3)),
    ("alpha", lambda a: linear_warmup(a, 3)), ("end", lambda a: polynomial_decay(1.0, 3, end=a)),
    ("end", lambda a: cosine_decay(1.0, 3, a)), ("end", lambda a: cosine_restarts(1.0, 3, end=a)),
    ("start", lambda a: linear_warmup(1.0, 3, a)), ("rate", lambda a: exponential_decay(1.0, a)),
    ("rate", lambda a: inverse_time_decay(1.0, a)),
]  # fmt: skip
COUNTS = [
    ("every", lambda n: step_decay(1.0, 0.5, n)), ("steps", lambda n: polynomial_decay(1.0, n)),
    ("steps", lambda n: cosine_decay(1.0, n)), ("steps", lambda n: cosine_restarts(1.0, n)),
    ("multiplier", lambda n: cosine_restarts(1.0, 3, n)), ("steps", lambda n: one_cycle(1.0, n)),
    ("steps", lambda n: linear_warmup(1.0, n)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "make"), RATES)
def test_rates_are_not_negative(name, make):
    assert make(0.0)(2) >= 0
    for wrong in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match=rf"{name} must lie in \[0, inf\)"):
            make(wrong)
    for wrong in ("0.1", None, [0.1]):
        with pytest.raises(TypeError, match=f"{name} must be a single real number"):
            make(wrong)


@pytest.mark.parametrize(("name", "make"), COUNTS)
def test_lengths_are_counts(name, make):
    for wrong in (0, -3):
        with pytest.raises(ValueError, match=f"{name} must be at least"):
            make(wrong)
    for wrong in (2.5, "3", None, True):
        with pytest.raises(TypeError, match=f"{name} must be a"):
            make(wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: step_decay(1.0, 0.0, 3), r"factor must lie in \(0, 1\]"),
        (lambda: step_decay(1.0, 1.5, 3), "factor must"),
        (lambda: polynomial_decay(1.0, 3, 0.0), r"power must lie in \(0, inf\)"),
        (lambda: one_cycle(1.0, 1), "steps must be at least 2"),
        (lambda: one_cycle(1.0, 9, warmup=0.0), r"warmup must lie in \(0, 1\)"),
        (lambda: one_cycle(1.0, 9, warmup=1.0), "warmup must"),
        (lambda: one_cycle(1.0, 9, divisor=0.5), r"divisor must lie in \[1, inf\)"),
        (lambda: one_cycle(1.0, 9, final_divisor=0.5), "final_divisor must"),
        (lambda: chain_schedules([], []), "one fewer than schedules, found 0 boundaries and 0 sch"),
        (lambda: chain_schedules([abs], [3]), "found 1 boundaries and 1 schedules"),
        (lambda: chain_schedules([abs, abs], []), "found 0 boundaries and 2 schedules"),
        (lambda: chain_schedules([abs] * 3, [5, 5]), r"boundaries must increase, found \[5, 5\]"),
        (lambda: chain_schedules([abs] * 3, [5, 2]), r"boundaries must increase, found \[5, 2\]"),
        (lambda: chain_schedules([abs] * 2, [0]), r"boundaries\[0\] must be at least 1"),
    ],
)
def test_bad_settings_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_chain_is_made_of_functions():
    with pytest.raises(TypeError, match=r"schedules\[1\] must be a function.*constant_schedule"):
        chain_schedules([abs, 0.1], [3])
    with pytest.raises(TypeError, match=r"boundaries\[0\] must be a positive integer"):
        chain_schedules([abs, abs], [3.5])
    assert step_decay(1.0, 1.0, 3)(100) == 1.0
