"""One file a figure: each has a `draw(...)` that returns a matplotlib `Figure`; `canvas.save` writes it.

Figures are made through matplotlib's objects, never through pyplot: nothing is shown, nothing is remembered between
two figures, and no global setting is touched.
"""
