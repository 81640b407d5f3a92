"""Why you may believe it: derivations, verification, the ledger, gradient checks, exercises.

Names are loaded when first asked for, so that importing the package costs nothing and a gradient
check does not load SymPy.
"""

import importlib

_HOMES = {
    "Definition": "derivation",
    "Derivation": "derivation",
    "DerivationError": "_errors",
    "Induction": "theorem",
    "Theorem": "theorem",
    "UndecidedError": "_errors",
    "VerificationError": "verification",
    "check": "exercises",
    "exercise": "exercises",
    "gradcheck": "gradcheck",
    "solution": "exercises",
    "verify": "verify",
}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_HOMES})
