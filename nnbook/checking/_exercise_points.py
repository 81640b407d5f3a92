"""Where the formulas of an exercise are compared."""
import numpy as np

POINTS = 14
_NICE = (2, -1, 0.5, 3, -2, 1, -0.5, 0.1, 5, 10)


def sample(variables):
    """Return sample points: handy numbers first, then a sequence that fills the domains."""
    columns = []
    for k, (name, domain) in enumerate(variables.items()):
        ratio = (1.618033988749895 ** -1 * (k + 1) + 0.1 * k * k) % 1
        parts = [((i + 1) * ratio) % 1 for i in range(POINTS)]
        if isinstance(domain, range):
            if not len(domain):
                raise ValueError(f"the domain of {name} is empty")
            columns.append([domain[int(t * len(domain))] for t in parts])
            continue
        low, high = domain
        if not low < high:
            raise ValueError(f"the domain of {name} must be (low, high), got {domain}")
        nice = [x for x in _NICE if low < x < high]
        nice = (nice[k % len(nice):] + nice[:k % len(nice)])[:4] if nice else []
        places = max(0, 2 - int(np.floor(np.log10(high - low))))
        inside = [round(low + (high - low) * (0.01 + 0.98 * t), places) for t in parts]
        columns.append([float(x) for x in (nice + inside)[:POINTS]])
    return [list(point) for point in zip(*columns, strict=True)]
