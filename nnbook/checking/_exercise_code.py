"""Exercises answered by a function, which only a notebook can run."""
import copy
import inspect

import numpy as np

from nnbook.checking._exercise_types import Exercise, _found


class Code(Exercise):
    """A function to write; it is called on cases and its results are compared.

    Parameters
    ----------
    call : str
        The signature to write, ``"softmax(z)"``.
    right : sequence of function
        Right answers, the reference first.
    cases : sequence of tuple
        Arguments of each call: numbers or arrays.
    mistakes : sequence of Mistake
        Their answers are functions too; a reader's function that returns what one of them
        returns, on every case, gets its hint.
    """

    kind = "code"

    def __init__(self, number, title, statement, *, call, right, cases, **parts):
        super().__init__(number, title, statement, **parts)
        self.call, self.cases = call, [tuple(case) for case in cases]
        self.right = tuple(right) if isinstance(right, (list, tuple)) else (right,)
        self.require(len(self.cases) >= 2, f"{len(self.cases)} cases; at least 2 are needed")
        self._wanted = [_run(self.right[0], case) for case in self.cases]
        for result in self._wanted:
            self.require(not isinstance(result, Exception), f"the reference raises {result!r}")
        self._record = {"type": "code", "number": number, "call": call, "mistakes": []}
        for answer in self.right:
            found = self._judge(answer)
            self.require(found["verdict"] == "right",
                         f"its own right answer is refused: {found['message']}")
        for m in self.mistakes:
            found = self._judge(m.answer)
            self.require(found["verdict"] != "right", f"the mistake {m.name!r} is right")
            self.require(found["mistake"] == m.name,
                         f"the mistake {m.name!r} is taken for {found['mistake']!r}")

    def right_answers(self):
        return list(self.right)

    def typed(self, answer):
        if callable(answer):
            return answer
        raise TypeError(f"A function {self.call} is expected; found {_found(answer)}. "
                        "Give the function itself, without calling it.")

    def _judge(self, answer):
        function = self.typed(answer)
        results = [_run(function, case) for case in self.cases]
        same = [_same(a, b) for a, b in zip(results, self._wanted, strict=True)]
        if all(same):
            return {"verdict": "right", "mistake": None,
                    "message": f"Right on all {len(same)} cases."}
        for m in self.mistakes:
            wrong = [_run(m.answer, case) for case in self.cases]
            if all(_same(a, b) for a, b in zip(results, wrong, strict=True)):
                return {"verdict": "wrong", "mistake": m.name, "message": m.hint}
        i = same.index(False)
        return {"verdict": "wrong", "mistake": None,
                "message": f"Not yet. {self._where(i)} {_part(results[i], self._wanted[i])}"}

    def _where(self, i):
        try:
            names = list(inspect.signature(self.right[0]).parameters)
        except (TypeError, ValueError):
            names = []
        names += [f"argument {k + 1}" for k in range(len(names), len(self.cases[i]))]
        given = ", ".join(f"{n} {_describe(x)}"
                          for n, x in zip(names, self.cases[i], strict=False))
        return f"In case {i + 1} of {len(self.cases)} ({given})"


class _Changed(Exception):
    """The function wrote into its argument."""


def _run(function, case):
    arguments = copy.deepcopy(case)
    try:
        with np.errstate(all="ignore"):
            result = function(*arguments)
    except Exception as error:
        return error
    if not all(_same(a, b) for a, b in zip(arguments, case, strict=True)):
        return _Changed()
    return result


def _flat(value):
    """Return the arrays in a result: one array, or a list or tuple of them, to any depth."""
    if isinstance(value, (list, tuple)) and not all(np.isscalar(v) for v in value):
        return [x for part in value for x in _flat(part)]
    return [np.asarray(value)]


def _same(a, b):
    if isinstance(a, Exception) or isinstance(b, Exception):
        return type(a) is type(b) and str(a) == str(b)
    if callable(a) or callable(b):
        return a is b
    a, b = _flat(a), _flat(b)
    return len(a) == len(b) and all(_close(x, y) for x, y in zip(a, b, strict=True))


def _close(x, y):
    if x.shape != y.shape:
        return False
    try:
        return bool(np.allclose(x, y, rtol=1e-7, atol=1e-10, equal_nan=True))
    except TypeError:
        return bool(np.array_equal(x, y))


def _describe(x):
    x = np.asarray(x)
    return f"of shape {x.shape}" if x.ndim else f"= {x[()]}"


def _part(found, wanted):
    """Say how a result differs from the wanted one."""
    if isinstance(found, _Changed):
        return "your function changes its argument; work on a copy."
    if isinstance(found, Exception):
        return f"your function raises {type(found).__name__}: {str(found)[:200]}"
    if found is None:
        return "your function returns None; is a return missing?"
    found, wanted = _flat(found), _flat(wanted)
    if len(found) != len(wanted):
        some = "1 array" if len(found) == 1 else f"{len(found)} arrays"
        return f"your function returns {some}; {len(wanted)} expected."
    for k, (x, y) in enumerate(zip(found, wanted, strict=True)):
        which = f"result {k + 1}" if len(wanted) > 1 else "the result"
        if x.shape != y.shape:
            return f"{which} has shape {x.shape}; {y.shape} is expected."
        if x.dtype.kind not in "biuf":
            return f"{which} has type {x.dtype}; numbers are expected."
        if not _close(x, y):
            at = np.unravel_index(int(np.argmin(np.isclose(x, y, rtol=1e-7, atol=1e-10))), y.shape)
            place = f" at {[int(j) for j in at]}" if y.ndim else ""
            return f"{which}{place} is {x[at]:.6g}; {y[at]:.6g} is expected."
    return "the result differs."
