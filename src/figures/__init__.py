"""One file per figure. `registry.py` is the table of a run's figures, and says how to add one.

A figure of a run has a function `of(run)` that returns a matplotlib `Figure`; where its input is more easily given as
arrays and words, this calls a `draw(...)`. `study_figures.py` lists the figures of a study. `canvas.save` writes a PNG.

Figures are made with matplotlib's objects, never with pyplot: no window, no state between figures. Importing this room
sets matplotlib back to its own defaults, so that neither MPLBACKEND nor a user's matplotlibrc changes a pixel.
"""

import os

os.environ["MPLBACKEND"] = "agg"  # Jupyter names a backend in this variable, which can't be imported elsewhere
