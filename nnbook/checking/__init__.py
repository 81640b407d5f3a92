"""Why you may believe it: derivations, verification, the ledger, gradient checks, exercises.

Names are loaded when first asked for, so that importing the package costs nothing and a gradient
check does not load SymPy.
"""

import importlib
import sys
import types

_HOMES = {
    "Definition": "derivation",
    "Derivation": "derivation",
    "DerivationError": "_errors",
    "Induction": "theorem",
    "Theorem": "theorem",
    "UndecidedError": "_errors",
    "VerificationError": "verification",
    "adjoint_test": "gradcheck",
    "check": "exercises",
    "exercise": "exercises",
    "gradcheck": "gradcheck",
    "hesscheck": "gradcheck",
    "jvpcheck": "gradcheck",
    "solution": "exercises",
    "taylor_test": "gradcheck",
    "verify": "verify",
}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


class _Package(types.ModuleType):
    """A package in which ``verify`` and ``gradcheck`` are functions, whatever is imported first.

    Importing a submodule binds its name in the package; here that name belongs to the function.
    """

    def __setattr__(self, name, value):
        if not (name in _HOMES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__():
    return sorted({*globals(), *_HOMES})
