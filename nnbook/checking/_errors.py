"""What a step of a derivation can be besides accepted: refused, or undecided."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Counterexample:
    """Values at which two lines of a derivation differ, and what each line is there.

    Attributes
    ----------
    values : dict
        Name of each symbol to the value it has.
    left, right : str
        The line before and the refused line, evaluated there.
    """

    values: dict
    left: str
    right: str

    def __str__(self):
        where = ", ".join(f"{name} = {value}" for name, value in self.values.items())
        at = f"at {where}, " if where else ""
        return f"{at}the line before is {self.left} and this line is {self.right}"


class DerivationError(ValueError):
    """A step is false, or breaks a rule of derivations.

    Attributes
    ----------
    counterexample : Counterexample or None
        Where the two lines differ; None if a rule is broken rather than an equality.
    """

    def __init__(self, message, counterexample=None):
        super().__init__(message)
        self.counterexample = counterexample


class UndecidedError(RuntimeError):
    """A step is neither refuted nor accepted. Split it, or say the domain more closely."""
