r"""Schedules: the learning rate as a function of the number of steps taken.

A schedule is a pure function ``schedule(t)`` of one number t ≥ 0, the number of steps **already
taken**: the first update is given ``schedule(0)``. t is usually an integer; between integers the
formula holds too, for curves. The result is a float, in the units of ``alpha``. An optimizer takes
a schedule in the place of a number: ``adam(cosine_decay(0.01, 1000))``.

All lengths are in steps. Where a formula has an end, the schedule stays at its last value past it.
Values are exact to 8 · 2⁻⁵³ of themselves, where a docstring allows no more.
"""

import math
from collections.abc import Iterable

from nnbook.functions._validate import check_count, check_number


def constant_schedule(alpha):
    r"""Keep one rate.

    .. math:: \alpha_t = \alpha

    Parameters
    ----------
    alpha : float
        Rate α ≥ 0.

    Returns
    -------
    callable
        The schedule.

    Examples
    --------
    >>> constant_schedule(0.1)(1000)
    0.1
    """
    alpha = _rate(alpha)
    return _schedule(lambda t: alpha)


def step_decay(alpha, factor, every):
    r"""Multiply the rate by a factor after every so many steps.

    .. math:: \alpha_t = \alpha\, \gamma^{\lfloor t/s \rfloor}

    Parameters
    ----------
    alpha : float
        First rate α ≥ 0.
    factor : float
        γ in (0, 1].
    every : int
        s ≥ 1, in steps. The schedule jumps at its multiples and never ends.

    Returns
    -------
    callable
        The schedule.

    Examples
    --------
    >>> [step_decay(1.0, 0.5, 10)(t) for t in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """
    alpha, every = _rate(alpha), check_count(every, "every")
    factor = check_number(factor, "factor", low=0.0, high=1.0, closed_low=False, closed_high=True)
    return _schedule(lambda t: alpha * factor ** (t // every))


def exponential_decay(alpha, rate):
    r"""Lower the rate by the same share in every step.

    .. math:: \alpha_t = \alpha\, e^{-kt}

    Parameters
    ----------
    alpha : float
        First rate α ≥ 0.
    rate : float
        k ≥ 0, per step; half is left after ln 2/k steps. A share γ kept per step is k = −ln γ.

    Returns
    -------
    callable
        The schedule, continuous; it never ends. As kt is rounded, its relative error is (2 + kt)
        2⁻⁵³ at most.

    Examples
    --------
    >>> print(f"{exponential_decay(0.1, math.log(2) / 50)(100):.4f}")
    0.0250
    """
    alpha, rate = _rate(alpha), check_number(rate, "rate", low=0.0)
    return _schedule(lambda t: alpha * math.exp(-rate * t))


def inverse_time_decay(alpha, rate):
    r"""Lower the rate as 1/t, the fastest that still reaches any distance.

    .. math:: \alpha_t = \frac{\alpha}{1 + kt}

    Parameters
    ----------
    alpha : float
        First rate α ≥ 0.
    rate : float
        k ≥ 0, per step; half is left after 1/k steps.

    Returns
    -------
    callable
        The schedule, continuous; it never ends. For k > 0 the sum of its values has no bound, the
        sum of their squares has one: the conditions of Robbins and Monro [1]_.

    References
    ----------
    .. [1] Robbins & Monro, Ann. Math. Statist. 22(3), 1951, :doi:`10.1214/aoms/1177729586`.

    Examples
    --------
    >>> [inverse_time_decay(0.5, 0.25)(t) for t in (0, 4, 16)]
    [0.5, 0.25, 0.1]
    """
    alpha, rate = _rate(alpha), check_number(rate, "rate", low=0.0)
    return _schedule(lambda t: alpha / (1 + rate * t))


def polynomial_decay(alpha, steps, power=1.0, end=0.0):
    r"""Go from one rate to another along a power of the time that is left.

    .. math:: \alpha_t = \alpha_\text{end} + (\alpha - \alpha_\text{end}) (1 - t/T)^p,
        \quad t \le T

    Parameters
    ----------
    alpha : float
        First rate α ≥ 0.
    steps : int
        T ≥ 1, in steps; from there on the rate is ``end``.
    power : float, default 1
        p > 0; 1 is a straight line. The relative error grows to (4 + p) 2⁻⁵³.
    end : float, default 0
        Last rate, at least 0; above ``alpha`` the rate grows.

    Returns
    -------
    callable
        The schedule, continuous.

    Examples
    --------
    >>> [polynomial_decay(1.0, 4, power=2)(t) for t in range(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """
    alpha, end, steps = _rate(alpha), _rate(end, "end"), check_count(steps, "steps")
    power = check_number(power, "power", low=0.0, closed_low=False)

    def at(t):
        if t >= steps:
            return end
        # 1 minus the power is not left to a difference: the rate may grow from near 0
        gone = -math.expm1(power * math.log1p(-t / steps))
        return end * gone + alpha * ((steps - t) / steps) ** power

    return _schedule(at)


def cosine_decay(alpha, steps, end=0.0):
    r"""Go from one rate to another along half a wave, level at both ends.

    .. math:: \alpha_t = \alpha_\text{end} + \tfrac12 (\alpha - \alpha_\text{end})
        \Bigl( 1 + \cos \frac{\pi t}{T} \Bigr), \quad t \le T

    Parameters
    ----------
    alpha : float
        First rate α ≥ 0.
    steps : int
        T ≥ 1, in steps; from there on the rate is ``end``.
    end : float, default 0
        Last rate, at least 0.

    Returns
    -------
    callable
        The schedule, continuous and with a continuous slope.

    References
    ----------
    .. [1] Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017,
       :doi:`10.48550/arXiv.1608.03983`.

    Examples
    --------
    >>> print([round(cosine_decay(1.0, 4)(t), 4) for t in range(6)])
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.0]
    """
    alpha, end, steps = _rate(alpha), _rate(end, "end"), check_count(steps, "steps")
    return _schedule(lambda t: _wave(end, alpha, steps - t, steps))


def cosine_restarts(alpha, steps, multiplier=1, end=0.0):
    r"""Repeat `cosine_decay`, from the top, over periods that may grow; from the same paper.

    .. math:: \alpha_t = \alpha_\text{end} + \tfrac12 (\alpha - \alpha_\text{end})
        \Bigl( 1 + \cos \frac{\pi \tau}{T_i} \Bigr), \qquad
        T_i = T\, m^i, \quad \tau = t - (T_0 + \dots + T_{i-1}) \in [0, T_i)

    Parameters
    ----------
    alpha : float
        Rate α ≥ 0 at the start of every period.
    steps : int
        T ≥ 1, length of the first period, in steps.
    multiplier : int, default 1
        m ≥ 1, by which each period is longer than the one before.
    end : float, default 0
        Rate, at least 0, that each period approaches.

    Returns
    -------
    callable
        The schedule. It jumps up to α at t = T, T + mT, ... and never ends.

    Examples
    --------
    >>> schedule = cosine_restarts(1.0, 2, multiplier=2)
    >>> print([round(schedule(t), 4) for t in range(7)])
    [1.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0]
    """
    alpha, end, steps = _rate(alpha), _rate(end, "end"), check_count(steps, "steps")
    multiplier = check_count(multiplier, "multiplier")

    def at(t):
        length = steps
        if multiplier == 1:
            t = t % steps
        while t >= length:
            t, length = t - length, length * multiplier
        return _wave(end, alpha, length - t, length)

    return _schedule(at)


def one_cycle(alpha, steps, *, warmup=0.3, divisor=25.0, final_divisor=10_000.0):
    r"""Rise to a peak and fall far below the start, each along half a wave.

    .. math::
        \alpha_\text{start} = \alpha/d, \quad \alpha_\text{end} = \alpha/(d d'), \qquad
        \alpha_t = \begin{cases}
        \alpha_\text{start} + \tfrac12 (\alpha - \alpha_\text{start})
            \bigl( 1 - \cos \frac{\pi t}{T_1} \bigr) & t \le T_1 \\
        \alpha_\text{end} + \tfrac12 (\alpha - \alpha_\text{end})
            \bigl( 1 + \cos \frac{\pi (t - T_1)}{T - T_1} \bigr) & T_1 \le t \le T
        \end{cases}

    Parameters
    ----------
    alpha : float
        Peak rate α ≥ 0.
    steps : int
        T ≥ 2, in steps; from there on the rate is the last.
    warmup : float, default 0.3
        Share of the steps up to the peak, in (0, 1): :math:`T_1 = \lfloor` ``warmup``
        :math:`T \rfloor`, at least 1.
    divisor, final_divisor : float, default 25 and 10,000
        d ≥ 1 and d′ ≥ 1.

    Returns
    -------
    callable
        The schedule, continuous. PyTorch's ``OneCycleLR`` peaks and ends one step earlier.

    References
    ----------
    .. [1] Smith & Topin, Super-convergence, 2018, :doi:`10.48550/arXiv.1708.07120`.

    Examples
    --------
    >>> schedule = one_cycle(1.0, 10, warmup=0.4, divisor=10, final_divisor=10)
    >>> print([round(schedule(t), 2) for t in (0, 2, 4, 7, 10, 11)])
    [0.1, 0.55, 1.0, 0.5, 0.01, 0.01]
    """
    alpha, steps = _rate(alpha), check_count(steps, "steps", minimum=2)
    warmup = check_number(warmup, "warmup", low=0.0, high=1.0, closed_low=False)
    start = alpha / check_number(divisor, "divisor", low=1.0)
    end = start / check_number(final_divisor, "final_divisor", low=1.0)
    peak = max(1, int(warmup * steps))

    def at(t):
        if t < peak:
            return _wave(start, alpha, t, peak)
        return _wave(end, alpha, steps - t, steps - peak)

    return _schedule(at)


def linear_warmup(alpha, steps, start=0.0):
    r"""Rise in a straight line, then stay.

    .. math:: \alpha_t = \alpha_\text{start}
        + (\alpha - \alpha_\text{start}) \min\Bigl(1, \frac{t}{T}\Bigr)

    Parameters
    ----------
    alpha : float
        Rate α ≥ 0 from step T on.
    steps : int
        T ≥ 1, in steps.
    start : float, default 0
        First rate, at least 0; with 0 the first update does not move.

    Returns
    -------
    callable
        The schedule, continuous. To go on with another, `chain_schedules`.

    Examples
    --------
    >>> [linear_warmup(0.5, 4)(t) for t in range(6)]
    [0.0, 0.125, 0.25, 0.375, 0.5, 0.5]
    """
    alpha, start, steps = _rate(alpha), _rate(start, "start"), check_count(steps, "steps")
    return _schedule(lambda t: _between(start, alpha, min(t, steps), steps))


def chain_schedules(schedules, boundaries):
    r"""Run schedules one after another, each from its own t = 0.

    .. math:: \alpha_t = s_i(t - b_i), \quad b_i \le t < b_{i+1}, \quad b_0 = 0

    Parameters
    ----------
    schedules : sequence of callables
        :math:`s_0, s_1, \dots`, one at least.
    boundaries : sequence of int
        :math:`b_1 < b_2 < \dots`, in steps from the start of the chain, positive; one fewer than
        schedules. The last schedule has no end.

    Returns
    -------
    callable
        The schedule; continuous where each begins at the value at which the one before stopped.

    Examples
    --------
    >>> schedule = chain_schedules([linear_warmup(1.0, 4), cosine_decay(1.0, 6)], [4])
    >>> print([round(schedule(t), 2) for t in (0, 2, 4, 7, 10)])
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    for given, name in ((schedules, "schedules"), (boundaries, "boundaries")):
        if not isinstance(given, Iterable):
            raise TypeError(f"{name} must be a sequence such as a list, found {given!r:.60}")
    schedules = list(schedules)
    for index, schedule in enumerate(schedules):
        if not callable(schedule):
            raise TypeError(
                f"schedules[{index}] must be a function of t, found {schedule!r:.60}; "
                "for a number write constant_schedule(number)"
            )
    starts = [0, *(check_count(b, f"boundaries[{i}]") for i, b in enumerate(boundaries))]
    if not schedules or len(starts) != len(schedules):
        raise ValueError(f"boundaries must be one fewer than schedules, found {len(starts) - 1} "
                         f"boundaries and {len(schedules)} schedules")
    if sorted(set(starts)) != starts:
        raise ValueError(f"boundaries must increase, found {starts[1:]}")

    def at(t):
        index = sum(start <= t for start in starts) - 1
        return schedules[index](t - starts[index])

    return _schedule(at)


def _schedule(formula):
    """Make a schedule of a formula: t is checked, and a float comes back."""

    def schedule(t):
        check_number(t, "t", low=0.0)
        # NumPy's integers would wrap or turn to float64 where Python's stay exact
        return float(formula(t.item() if hasattr(t, "item") else t))

    return schedule


def _between(low, high, t, steps):
    """Go from low to high in a straight line; a share taken from 1 would cancel."""
    return low * ((steps - t) / steps) + high * (t / steps)


def _wave(low, high, t, steps):
    """Go from low to high along half a wave, as squares; 1 plus or minus a cosine would cancel."""
    angle = math.pi / 2 / steps
    t = max(t, 0)
    return low * math.sin(angle * (steps - t)) ** 2 + high * math.sin(angle * t) ** 2


def _rate(alpha, name="alpha"):
    return check_number(alpha, name, low=0.0)
