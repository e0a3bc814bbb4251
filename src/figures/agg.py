"""Drawing the same pixels on every machine.

Agg moves marks and lines to whole pixels. A coordinate may come out as 81.5, or as 81.49999999999999 where another
processor multiplies matrices in another order, and a tick would be a pixel elsewhere. So coordinates are rounded first.
"""

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform

_STEPS = 2.0**16  # in a pixel; Agg itself knows 256


def _rounded(path: Path, transform: Any) -> Path:
    """The path in pixels."""
    moved = path.transformed(transform)
    moved.vertices = np.rint(np.asarray(moved.vertices) * _STEPS) / _STEPS  # [points, 2]
    moved.should_simplify, moved.simplify_threshold = path.should_simplify, path.simplify_threshold
    return moved


class _Renderer(RendererAgg):
    def _update_methods(self) -> None:
        super()._update_methods()  # type: ignore[no-untyped-call]
        draw: Any = self.draw_markers  # of Agg itself, as are all methods that are set here

        def draw_markers(gc: Any, marker: Path, placed: Any, path: Path, transform: Any, *color: Any) -> None:
            draw(gc, marker, placed, _rounded(path, transform), IdentityTransform(), *color)

        vars(self)["draw_markers"] = draw_markers

    def draw_path(self, gc: Any, path: Path, transform: Any, rgbFace: Any = None) -> None:
        super().draw_path(gc, _rounded(path, transform), IdentityTransform(), rgbFace)  # type: ignore[no-untyped-call]


class Canvas(FigureCanvasAgg):
    """matplotlib's canvas of pixels, with such a renderer."""

    def get_renderer(self) -> RendererAgg:
        """The renderer, kept while the sheet has its size."""
        size = self.get_width_height(physical=True)
        if getattr(self, "renderer", None) is None or (self.renderer.width, self.renderer.height) != size:
            self.renderer: RendererAgg = _Renderer(*size, self.figure.dpi)  # type: ignore[no-untyped-call]
        return self.renderer
