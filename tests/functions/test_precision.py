"""Every elementwise function is as exact as its docstring says, in float64 and in float32."""

import dataclasses
import tomllib

import numpy as np
import pytest

import nnbook.functions as nf
from tests import fuzz
from tests.functions import precision, precision_table
from tests.functions import reference as ref
from tests.functions.precision import BY_NAME, ENTRIES

each = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
needs_wide = pytest.mark.skipif(not precision.WIDE_ENOUGH, reason="longdouble is no wider here")


def elementwise_functions():
    """Return every public function that has a ``_prime``, and those."""
    pairs = [(n, n + "_prime") for n in nf.__all__ if n + "_prime" in nf.__all__]
    return {getattr(nf, name) for pair in pairs for name in pair}


def test_the_table_has_every_elementwise_function():
    assert elementwise_functions() == {entry.function for entry in ENTRIES}
    assert {f for pair in nf.ACTIVATIONS.values() for f in pair} <= elementwise_functions()
    assert len(BY_NAME) == len(ENTRIES)


@needs_wide
@each
def test_the_fast_reference_is_mpmaths_value(entry):
    z = precision.strata(entry, 80, seed=3)
    assert precision.wide_error(entry, z[np.abs(z) < 1e5]) < 0.004


@each
def test_within_the_bound_at_points_where_mpmath_gives_50_digits(entry):
    z = precision.strata(entry, 40, seed=4)
    for x in z[np.abs(z) < 1e5].tolist():
        value = precision.terms(entry, x)
        with precision.mp.workdps(60):
            scale = max(map(abs, (sum(value), *value)))
            assert ref.ulps_between(entry.ours(x), sum(value), scale) <= entry.bound


@needs_wide
@each
def test_within_the_bound_that_the_docstring_states(entry):
    z = precision.strata(entry, 100_000)
    largest, where = precision.worst(entry.ours, entry, z)
    assert largest <= entry.bound <= (entry.elsewhere or 2), where


@needs_wide
@each
def test_float32_is_rounded_once_from_float64(entry):
    # Blocks of consecutive float32 numbers: subnormal, tiny, about 1, about 20, about 100, infinite
    # and NaN, of either sign; `make fuzz` takes all.
    for high in (0x0000, 0x0080, 0x3300, 0x3F80, 0x41A0, 0x42CE, 0x7F80, 0x7FC0):
        for sign in (0, 0x8000):
            start = (high | sign) << 16
            assert precision.wrong_float32(entry, start, start + 4096)[0] == []


@needs_wide
def test_an_error_in_the_last_digit_is_found_in_either_dtype():
    entry = BY_NAME["mish"]
    z = precision.strata(entry, 2000)
    assert precision.worst(lambda z: nf.mish(z) * (1 + 2**-50), entry, z)[0] > 2

    def one_wrong(z):
        out = nf.mish(z)
        return np.where(z == np.float32(1.5), np.nextafter(out, np.float32(9)), out)

    start = int(np.float32(1.5).view(np.uint32)) - 100
    spoilt = dataclasses.replace(entry, function=one_wrong)
    assert precision.wrong_float32(spoilt, start, start + 200)[0] == [1.5]
    for lost in (lambda z: np.zeros_like(z), lambda z: z * np.nan):
        wrong = precision.wrong_float32(dataclasses.replace(entry, function=lost), start, start + 9)
        assert len(wrong[0]) == 9
    nan = 0x7FC00000
    numbers = dataclasses.replace(entry, function=lambda z: np.zeros_like(z))
    assert len(precision.wrong_float32(numbers, nan, nan + 5)[0]) == 5
    assert np.isinf(precision.worst(lambda z: z * np.nan, entry, z)[0])


@needs_wide
def test_the_fuzz_finds_a_fault_and_counts_it(monkeypatch, capsys):
    monkeypatch.setattr(fuzz, "ProcessPoolExecutor", InOneProcess)
    monkeypatch.setattr(fuzz, "MILLIONS", 2)
    assert fuzz.main(["bits", "only=hard_sigmoid", "part=1/32768"]) == 0
    assert "float32, 100%, 0 wrong" in capsys.readouterr().out
    entry = BY_NAME["hard_sigmoid"]
    spoilt = dataclasses.replace(entry, function=steeper)
    monkeypatch.setattr(precision, "ENTRIES", [spoilt])
    monkeypatch.setattr(precision, "BY_NAME", {spoilt.name: spoilt})
    assert fuzz.main(["bits", "part=1/32768"]) == 1
    out = capsys.readouterr().out
    assert "BEYOND 1.5" in out and "wrong" in out and "first at" in out


def steeper(z):
    """Within 1.5 ulp."""
    return nf.hard_sigmoid(z) * (1 + 2**-20)


class InOneProcess:
    def __init__(self, jobs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @staticmethod
    def map(function, *items, chunksize=1):
        return map(function, *items)


def test_the_fuzz_names_what_it_does_not_know():
    with pytest.raises(SystemExit, match=r"no elementwise function 'relux'; there are identity, "):
        fuzz.bits(only="relux")
    with pytest.raises(SystemExit, match="part is one of a number"):
        fuzz.bits(part="0/4")
    assert fuzz.main(["letters"]) == 2


def test_selu_s_constants_solve_the_paper_s_equations():
    from nnbook.functions import exponential_units as units

    with precision.mp.workdps(60):
        scale, alpha = precision.selu_constants()
        assert abs(scale - precision.mp.mpf(str(units.SELU_SCALE))) < 1e-53
        assert abs(alpha - precision.mp.mpf(str(units.SELU_ALPHA))) < 1e-53


# ------------------------------------------------------------------ the table in the book


def stored():
    return tomllib.loads(precision_table.TABLE.read_text(encoding="utf-8"))


def test_a_row_is_written_as_it_was_measured():
    row = precision_table.measured(BY_NAME["softplus"], 4000)
    assert 1 < row["worst"] <= 2 and 1 < row["rival_worst"] < 1000 and row["points"] > 4000
    read = tomllib.loads(precision_table.text([row]))
    assert read["row"] == [row] and read["kernels"] == precision_table.kernels()


def test_the_book_s_table_has_the_same_rows_and_no_broken_promise():
    rows = {row["function"]: row for row in stored()["row"]}
    assert list(rows) == [entry.name for entry in ENTRIES]
    for entry in ENTRIES:
        row = rows[entry.name]
        assert row["worst"] <= row["bound"]
        assert row["bound"] == entry.bound or not precision.VECTORS
        assert row["rival"] == entry.rival
        assert row["points"] >= 1_000_000


@needs_wide
@each
def test_no_point_of_the_book_s_table_has_become_worse(entry):
    row = next(row for row in stored()["row"] if row["function"] == entry.name)
    at = np.array([row["at"], *([row["rival_at"]] if entry.rival else [])])
    # Another processor's exponential may differ by a fraction of an ulp: the bound is what holds.
    assert precision.errors(entry.ours(at), entry, at).max() <= entry.bound
    if entry.rival:
        theirs = precision.worst(precision.rival_of(entry), entry, at[1:])[0]
        assert theirs >= 0.9 * min(row["rival_worst"], 1e15)
