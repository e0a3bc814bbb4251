"""One file a figure. `registry.py` is the table of a run's figures, and says how to add one.

Each file has a `draw(...)` that returns a matplotlib `Figure` of plain arrays and words; the figures of a run also have
an `of(run)` that takes these from a run. `canvas.save` writes a figure. `study_figures.py` draws those of a study.

Figures are made with matplotlib's objects, never with pyplot: nothing is shown, nothing is kept from one figure to the
next, and no global setting is changed.
"""
