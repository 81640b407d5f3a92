r"""Diagnosis: what is wrong with a training run, by which number, and by which equation.

The rules and their thresholds stand in `nnbook.learning.diagnose_data` and
`nnbook.learning.diagnose_rules`, in the order from cause to effect: data, order, direction, the
first signals, the length of the step, what came out. A feature 1,000 times too large also saturates
units and makes the steps too long; the report names the feature and lists the rest below it.
"""

from typing import NamedTuple

import numpy as np

from nnbook.learning.diagnose_data import DATA_RULES
from nnbook.learning.diagnose_rules import NETWORK_RULES, Seen
from nnbook.learning.recording import Record


class Report(NamedTuple):
    """What `diagnose` returns; ``print`` it.

    Attributes
    ----------
    fault : str
        The first finding's, or ``"healthy"``.
    because, equation, suggestion : str
        Likewise.
    findings : list of Finding
        All rules that were broken, causes before effects.
    """

    fault: str
    because: str
    equation: str
    suggestion: str
    findings: list

    def __str__(self):
        lines = [f"{self.fault}: {self.because} (equation {self.equation}).", self.suggestion]
        if len(self.findings) > 1:
            lines.append("Further, perhaps in consequence:")
            lines += [f"- {f.fault}: {f.because} ({f.equation})" for f in self.findings[1:]]
        return "\n".join(lines)


def diagnose(record):
    r"""Name the fault of a training run, and the equation behind it.

    Parameters
    ----------
    record : Record
        As `nnbook.learning.record_run` returns it.

    Returns
    -------
    Report
        ``fault`` is ``"healthy"`` or a key of `nnbook.learning.faults.FAULTS`.

    Raises
    ------
    TypeError
        If ``record`` is none: `fit` keeps too little.

    Notes
    -----
    The rules in their order, from cause to effect, each with the equation that it rests on:

    ==============  =========================================================  ========
    fault           sign                                                       equation
    ==============  =========================================================  ========
    nan             NaN or infinity among the features                         19.1
    scale           a feature's root mean square is above 20, or 30 times      10.1
                    the median of them; or 3, and the first loss above 3 ln K  19.1
    leak            validation examples that occur in training, or a feature   17.1
                    that alone tells the classes
    stale shuffle   the orders repeat or sort, or the targets' is another      12.1
    sign            the first step has a positive cosine with the gradient     11.1
    saturated       half of the slopes are flat, at the start                  19.2
    dead            half of a layer has slope 0 throughout, at the start       19.2
    vanishing       Δ shrinks a hundredfold towards the first layer            19.2
    exploding       Δ or Z grow thirtyfold through the layers                  19.2
    exploding       the loss grew, and αλ_max > 2 or steps of 0.3 ‖θ‖          19.4, .5
    nan             training stopped at a NaN without having grown             19.1
    saturated,      the same shares, at the end                                19.2
    dead
    overfit         training accuracy exceeds validation accuracy, surely      17.1
    ==============  =========================================================  ========

    Examples
    --------
    >>> from nnbook.learning import broken_run
    >>> report = diagnose(broken_run("sign", np.random.default_rng(0)))
    >>> report.fault, report.equation
    ('sign', '11.1')
    """
    if not isinstance(record, Record):
        raise TypeError("record must be what record_run returns, with the data and the orders in "
                        f"it, found {type(record).__name__}")
    seen, findings = Seen(record), []
    with np.errstate(all="ignore"):
        found = [rule(record) for rule in DATA_RULES]
        found += [rule(record, seen) for rule in NETWORK_RULES]
    for finding in filter(None, found):
        if finding.fault not in {other.fault for other in findings}:
            findings.append(finding)
    if findings:
        first = findings[0]
        return Report(first.fault, first.because, first.equation, first.suggestion, findings)
    h = record.history
    because = (f"no rule is broken; the loss went from {h['loss'][0]:.3g} to {h['loss'][-1]:.3g}, "
               f"validation accuracy is {h['validation_accuracy'][-1]:.2f}, and a step changes the "
               f"weights by {seen.usual_step:.1e} of their norm")
    suggestion = "If it learns too slowly, raise the learning rate; about 1e-3 is a usual step."
    return Report("healthy", because, "19.5", suggestion, findings)
