"""The mathematics of neural networks, each equation derived, verified and run.

Import from the part that you need; each uses only the parts before it:

- :mod:`nnbook.functions`: what a network computes, every function beside its derivative;
- :mod:`nnbook.learning`: how it learns;
- :mod:`nnbook.checking`: why you may believe it;
- :mod:`nnbook.showing`: what you see.
"""

__version__ = "0.1.0"
