"""Plain pictures to draw, and what a figure of pictures shows and how it fits its page."""

import numpy as np


def picture(level):
    return np.full((40, 60, 3), level, np.uint8)


def levels(figure):
    """Title -> grey level of each image that is shown."""
    axes = [axes for part in [figure, *figure.subfigs] for axes in part.axes if axes.images]
    return {one.get_title(): int(one.images[0].get_array()[5, 5, 0]) for one in axes}


def fits(figure):
    figure.canvas.draw()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return min(box.x0, box.y0, width - box.x1, height - box.y1) > -0.01
