"""What you see: figures that move, and the drawings they are made of.

Importing this package is cheap; matplotlib and ipywidgets load when something is drawn.
"""

from nnbook.showing.controls import Choice, Play, Slider
from nnbook.showing.explore import explore, states
from nnbook.showing.figure import Figure, State

__all__ = ["Choice", "Figure", "Play", "Slider", "State", "explore", "states"]
