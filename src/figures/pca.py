"""A data set in three dimensions: its principal components, on a page with a plot to turn and zoom.

The page has all that it needs, so that it works offline and in the sandbox of MLflow's artifact view. Plotly is packed
with gzip, to a third of its size; the browser unpacks it.
"""

import base64
import functools
import gzip
import html
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from src.figures import canvas
from src.figures.run_view import RunView, Unfit

MOST = 10_000  # points, which a browser can still turn smoothly
_SYMBOLS = ("circle", "diamond", "square", "cross", "x")
_DIGITS = 4  # of a coordinate: rounding hides the differences between CPUs
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline' 'unsafe-eval'; img-src data: blob:; worker-src blob:">
<link rel="icon" href="data:,">
<title>The test set in three dimensions</title>
<style>
html, body {{ height: 100%; margin: 0; }}
body {{ display: flex; flex-direction: column; color: {ink}; background: white; \
font: 16px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.25rem; margin: 1rem 1.5rem 0; }}
p {{ margin: 0 1.5rem; color: {muted}; }}
#plot {{ flex: 1; min-height: 24rem; }}
</style>
</head>
<body>
<h1>The test set in three dimensions</h1>
<p>{words} Drag to turn, scroll to zoom; a click on a class hides it, a double click shows it alone.</p>
<div id="plot">{plot}</div>
<script type="text/plain" id="library">{library}</script>
<script>
const run = code => {{
  const script = document.createElement("script");
  script.textContent = code;
  document.head.append(script);
}};
(async () => {{
  const packed = Uint8Array.from(atob(document.getElementById("library").textContent), c => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  run(await new Response(unpacked).text());
  run(document.querySelector("#plot script").textContent);
}})().catch(error => {{
  document.getElementById("pca").textContent = `This needs a browser of 2023 or later (${{error}}).`;
}});
</script>
</body>
</html>
"""


def of(run: RunView) -> str:
    """The test set by its principal components."""
    x, y, _ = run.dataset.test
    if min(x.shape) < 3:
        raise Unfit(f"three dimensions take 3 features and 3 examples; the test set has {x.shape[1]} and {x.shape[0]}")
    return draw(x, np.asarray(y), run.dataset.labels)


def draw(x: NDArray[np.floating], y: NDArray[np.integer], labels: Sequence[str]) -> str:
    """A self-contained page: at most the first 10 000 examples, coloured by class, with their labels.

    The components are computed from the examples that are shown (scikit-learn's `PCA`).

    Args:
        x: [n, features], at least 3 of each.
        y: [n], indices of classes.
        labels: names of the classes.
    """
    from plotly.io import to_html
    from sklearn.decomposition import PCA

    x, y = np.asarray(x[:MOST], np.float64), np.asarray(y[:MOST])
    pca = PCA(3, svd_solver="full" if x.shape[1] > len(x) else "covariance_eigh")
    points = pca.fit_transform(x)  # [n, 3]
    shares = pca.explained_variance_ratio_
    axes = [f"component {i} ({share:.1%})" for i, share in enumerate(shares, start=1)]
    figure = {
        "data": [_class(points[y == k], np.flatnonzero(y == k), k, label) for k, label in enumerate(labels)],
        "layout": {
            "scene": {f"{axis}axis": {"title": {"text": name}} for axis, name in zip("xyz", axes, strict=True)}
            | {"camera": {"eye": {"x": 1.5, "y": 1.5, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.15}}},
            "legend": {"title": {"text": "Class"}, "itemsizing": "constant", "y": 0.9},
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "font": {"family": "system-ui, sans-serif", "color": canvas.INK},
        },
    }
    plot = to_html(
        figure,
        config={"displaylogo": False, "responsive": True},
        include_plotlyjs=False,
        full_html=False,
        default_height="100%",
        div_id="pca",
        validate=False,
    )
    plot = re.sub(r"<script[^>]*>", '<script type="text/plain">', plot, count=1)  # which runs after the library
    words = f"{len(x):,} examples by their first three principal components: {shares.sum():.1%} of their variance."
    return _PAGE.format(words=words, plot=plot, library=_library(), ink=canvas.INK, muted=canvas.MUTED)


@functools.cache
def _library() -> str:
    """Plotly's JavaScript: gzip in base64."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()


def _class(points: NDArray[np.floating], order: NDArray[np.integer], k: int, label: str) -> dict[str, object]:
    spelt = html.escape(label)
    coordinates = {axis: np.round(values, _DIGITS).tolist() for axis, values in zip("xyz", points.T, strict=True)}
    return {
        "type": "scatter3d",
        "mode": "markers",
        "name": spelt,
        "customdata": order.tolist(),
        "hovertemplate": f"{spelt}, example %{{customdata}}<extra></extra>",
        "marker": {"size": 2, "color": _COLORS[k % len(_COLORS)], "symbol": _SYMBOLS[k // len(_COLORS) % 5]},
        **coordinates,
    }


# For ten classes: the colours of the other figures, and four more.
_COLORS = (*canvas.PALETTE, "#F0E442", "#000000", "#882255", "#888888")
