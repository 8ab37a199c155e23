"""What the explorer shows, as HTML: plot, pictures, atoms and bits. Whatever a user named is escaped."""

import base64
import io
import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import NamedTuple

import numpy as np

from smicnb.drawing import looks
from smicnb.drawing.looks import CLOUD
from smicnb.explore.explorer import Answer, Cost, Explorer, Part, Setting
from smicnb.studies.frontier.sweep import bits_per_image, format_size

WIDTH, HEIGHT = 540, 330  # of the plot, in pixels of the page
SHARPNESS = 2  # pixels of the picture for each of the page
INCH = 96  # pixels of the page
ICON = 64  # pixels of an icon's side
# Part of a file -> its colour and name.
COMPONENTS = {
    "payload": (looks.BLUE, "the image itself (payload)"),
    "dictionary": (looks.ORANGE, "its share of the dictionary"),
    "tables": (looks.GREEN, "of the tables"),
    "header": (looks.PURPLE, "of the header"),
    "index": (looks.SKY, "index and checksums"),
}
NOTHING = "#bbb"  # the colour of an atom that was taken out
NAMES = {"train": "collection", "heldout": "held-out scenes"}
STYLE = """<style>
.smx {font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, #222)}
.smx h3 {font-size: 14px; margin: 10px 0 2px}
.smx p {margin: 0}
.smx small {color: var(--jp-ui-font-color2, #555)}
.smx img {display: block; border-radius: 3px}
.smx figure {margin: 0; width: 240px}
.smx b.big {font-size: 20px}
.smx ul {padding: 0; margin: 4px 0}
.smx li {display: inline-block; margin-right: 14px}
.smx pre {white-space: pre-wrap; margin: 4px 0; padding: 8px; user-select: all;
  background: var(--jp-layout-color2, #eee); font: 12px/1.4 var(--jp-code-font-family, monospace)}
.smx-row {display: flex; flex-wrap: wrap; gap: 14px}
.smx-bar {display: flex; height: 18px; border-radius: 3px; overflow: hidden}
.smx-key {display: inline-block; width: 10px; height: 10px; margin-right: 4px}
.smx-atom {display: flex; align-items: center; gap: 8px; height: 32px}
.smx-nothing {width: 240px; height: 240px; display: flex; align-items: center; justify-content: center;
  background: var(--jp-layout-color2, #eee)}
.smx .error {color: #b3261e; font-weight: 600}
[data-jp-theme-light=false] .smx .error {color: #ff8a80}
</style>"""


LIVE = "<style>.smx-static {display: none}</style>"


class Background(NamedTuple):
    """The plot for one n: everything but the point itself.

    Args:
        uri: the picture's address.
        left, right, top, bottom: edges of the axes, in pixels of the page.
        bits, cosine: (least, largest) on either axis; bits are drawn on a logarithmic one.
    """

    uri: str
    left: float
    right: float
    top: float
    bottom: float
    bits: tuple[float, float]
    cosine: tuple[float, float]

    def place(self, bits: float, cosine: float) -> tuple[float, float]:
        """(x, y) of a point, in pixels of the page."""
        across = math.log(bits / self.bits[0]) / math.log(self.bits[1] / self.bits[0])
        up = (cosine - self.cosine[0]) / (self.cosine[1] - self.cosine[0])
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)


def background(explorer: Explorer, n: float) -> Background:
    """Every operating point of the collection at size n, in grey, and the hulls of collection and held-out images."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(WIDTH / INCH, HEIGHT / INCH), dpi=INCH * SHARPNESS, layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.subplots()
    points = explorer.splits["train"]
    axes.scatter(bits_per_image(points, n, "entropy"), points["latent_cosine"], s=2, color=CLOUD, linewidths=0)
    for split, look in looks.SPLITS.items():
        _, bits, cosine = explorer.hulls[split, n]
        style = {**look, "markersize": 2.6, "linewidth": 1.2}
        axes.plot(bits, cosine, label=f"hull, {NAMES[split]}", **style)
    axes.set(xscale="log", xlabel="bits per image (log) ↓", ylabel="mean latent cosine ↑")
    axes.set_title(f"{format_size(n)}: {len(points)} operating points", loc="left")
    axes.legend(loc="lower right")
    canvas.draw()
    box = axes.get_window_extent()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(64, dither=Image.Dither.NONE)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    edges = (box.x0, box.x1, HEIGHT * SHARPNESS - box.y1, HEIGHT * SHARPNESS - box.y0)
    limits = tuple(map(float, axes.get_xlim())), tuple(map(float, axes.get_ylim()))
    return Background(_uri(file.getvalue(), "png"), *(float(edge) / SHARPNESS for edge in edges), *limits)


def frontier(drawn: Background, cost: Cost) -> str:
    """The plot with the point of `cost`: a disc for the collection, a square for held-out images."""
    marks = []
    for split in looks.SPLITS:
        colour = looks.SPLITS[split]["color"]
        x, y = drawn.place(cost.bits[split], cost.cosine[split])
        look = f'fill="{colour}" stroke="white" stroke-width="2"'
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7.5" {look}/>'
        if split == "heldout":
            shape = f'<rect x="{x - 6.5:.1f}" y="{y - 6.5:.1f}" width="13" height="13" {look}/>'
        marks.append(f'<path d="M{x:.1f} {y:.1f}V{drawn.bottom:.1f}" stroke="{colour}" stroke-dasharray="2 3"/>{shape}')
    said = ", ".join(f"{NAMES[s]}: {cost.bits[s]:.1f} bits, cosine {cost.cosine[s]:.3f}" for s in NAMES)
    return (
        f'<svg class="smx-plot" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Rate and fidelity. {said}"><image href="{drawn.uri}" width="{WIDTH}" height="{HEIGHT}"/>'
        + "".join(marks)
        + "</svg>"
    )


def numbers(cost: Cost) -> str:
    """The operating point in words."""
    lines = [
        f'<p><span class="smx-key" style="background:{looks.SPLITS[split]["color"]}"></span>'
        f'<b class="big smx-bits-{split}">{cost.bits[split]:.1f}</b> bits per image, '
        f'latent cosine <b class="big">{cost.cosine[split]:.3f}</b><br><small>{NAMES[split]}; the hull has '
        f"{cost.hull[split]:.3f} at these bits</small></p>"
        for split in looks.SPLITS
    ]
    return f'<div class="smx" style="display:grid;gap:6px;align-content:start">{"".join(lines)}</div>'


def components(cost: Cost, n: float) -> str:
    """A stacked bar: what an image of the collection takes in a file of n images."""
    whole = sum(cost.components.values())
    parts = {name: cost.components[name] for name in COMPONENTS}
    bar = "".join(
        f'<div style="width:{100 * bits / whole:.2f}%;background:{COMPONENTS[name][0]}"></div>'
        for name, bits in parts.items()
    )
    keys = "".join(
        f'<li><span class="smx-key" style="background:{COMPONENTS[name][0]}"></span>{COMPONENTS[name][1]} '
        f"<b>{bits:.1f}</b></li>"
        for name, bits in parts.items()
    )
    return (
        f'<div class="smx"><h3>Bits of an image in a file, {format_size(n)}: {whole:.1f}</h3>'
        f'<div class="smx-bar" role="img" aria-label="bits by component, listed below">{bar}</div><ul>{keys}</ul>'
        f"<small>of the collection, on average, without padding (at most 48 bits for 64 images)</small></div>"
    )


def pictures(explorer: Explorer, image: str, answer: Answer) -> str:
    """The original beside what is generated, with both cosines and the words nearest to each."""
    generator = explorer.space.generator
    original = _picture(explorer.images[image].jpeg, f"original: {image}")
    if answer.picture is None:
        generated = '<div class="smx-nothing">nothing is coded</div>'
    else:
        generated = _picture(answer.picture.jpeg, f"{generator.verb} by {generator.name}", "smx-generated")
    changed = ", changed by hand" if any(part.by_hand for part in answer.parts) else ""
    return (
        f'<div class="smx smx-row"><figure>{original}<figcaption><b>original</b><br>{_words(answer.original_words)}'
        f"<br><small>{escape(image)}</small></figcaption></figure>"
        f"<figure>{generated}<figcaption><b>{escape(generator.verb)} from "
        f'<span class="smx-payload">{answer.payload_bits}</span> bits{changed}</b><br>{_words(answer.words)}<br>'
        f'latent cosine <b class="smx-latent">{answer.latent_cosine:.3f}</b>, image cosine '
        f"<b>{answer.image_cosine:.3f}</b></figcaption></figure></div>"
        f'<p class="smx" style="max-width:494px"><small>Pictures by ‘{escape(generator.name)}’: '
        f"{escape(generator.what)}. Bits: payload of a block that holds this image alone.</small></p>"
    )


def _words(named: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{escape(word)} {cosine:.2f}".replace("-", "−") for word, cosine in named) or "no words"


def weight(explorer: Explorer, part: Part, largest: float, atom: np.ndarray) -> str:
    """One atom's picture, where there is one at once, and its weight as a bar to the right, or left where negative."""
    shown, share = part.weight or part.coded, 100 * min(1.0, abs(part.weight or part.coded) / (largest or 1))
    colour = (looks.BLUE if shown > 0 else looks.VERMILION) if part.weight else NOTHING
    side = "left:50%" if shown > 0 else "right:50%"
    number = f"{part.weight:+.2f}".replace("-", "−") if part.weight else "taken out"
    picture = explorer.pictures.picture_of(atom) if explorer.pictures.instant else None
    icon = f'<img src="{icon_of(picture.jpeg)}" width="30" height="30" alt="">' if picture else ""
    hand = " by hand" if part.by_hand and part.weight else ""
    return (
        f'<div class="smx smx-atom">{icon}<div style="position:relative;width:130px;height:14px;'
        f'background:linear-gradient(#999,#999) center/1px 100% no-repeat">'
        f'<div style="position:absolute;top:1px;bottom:1px;{side};width:{share / 2:.1f}%;background:{colour}"></div>'
        f"</div><span>{number}{hand}</span></div>"
    )


def decomposition(explorer: Explorer, parts: Sequence[Part], atoms: np.ndarray) -> str:
    """The strongest atoms as a table: what the page without a front end shows."""
    largest = max((abs(part.coded) for part in parts), default=1)
    rows = "".join(
        f'<div class="smx-row"><span style="width:180px;line-height:32px">{escape(part.words)}</span>'
        f"{weight(explorer, part, largest, atoms[part.atom])}</div>"
        for part in parts
    )
    return f'<div class="smx"><h3>Atoms of the image, by weight</h3>{rows}</div>'


def draw_cards(pairs: Sequence[tuple[bytes | None, str, float]]) -> list[str]:
    """Cards of what words have found: a small picture, a name, the cosine."""
    cards = []
    for jpeg, name, cosine in pairs:
        picture = f'<img src="{icon_of(jpeg)}" width="84" height="84" alt="">' if jpeg else ""
        what = f'<b>{cosine:.2f}</b><br><small style="overflow-wrap:anywhere">{escape(name)}</small>'
        cards.append(
            f'<div class="smx" style="width:140px;height:146px;overflow:hidden">{picture}{what}</div>'.replace(
                "<b>-", "<b>−"
            )
        )
    return cards


def copy_box(title: str, text: str) -> str:
    """Text with a button that selects and copies it; a click into the text selects it, too."""
    copy = "getSelection().selectAllChildren(this.parentElement.nextElementSibling);"
    copy += "this.textContent = document.execCommand('copy') ? 'Copied' : 'Selected'"  # without https too
    button = f'<button type="button" class="jupyter-button" style="padding:0 10px" onclick="{copy}">Copy</button>'
    return f'<div class="smx"><p><b>{escape(title)}</b> {button}</p><pre>{escape(text)}</pre></div>'


def message(text: str, error: bool = False) -> str:
    """One line below what was asked for."""
    look = ' class="error" role="alert"' if error else ' role="status"'
    return f'<p class="smx"><span{look}>{escape(text)}</span></p>'


def page(explorer: Explorer, drawn: Background, setting: Setting, image: str, cost: Cost, answer: Answer) -> str:
    """All of it in one state, for where no widget is shown: a viewer of notebooks, an exported page."""
    named = {"nₐ": setting.n_atoms, "λ": setting.penalty, "b_dict": setting.b_dict, "b_coef": setting.b_coef}
    where = ", ".join(f"{name} = {value:g}" for name, value in named.items())
    atoms = explorer.books.find(setting.point).atoms
    shown = sorted(answer.parts, key=lambda part: -abs(part.weight))[:10]
    return (
        f'{STYLE}<div class="smx-static"><div class="smx"><p>{where}, {format_size(setting.n)}</p></div>'
        f'<div class="smx smx-row"><div>{frontier(drawn, cost)}</div>{numbers(cost)}</div>{components(cost, setting.n)}'
        f'<div class="smx smx-row"><div>{pictures(explorer, image, answer)}</div>'
        f"<div>{decomposition(explorer, shown, atoms)}</div></div></div>"
    )


def _picture(jpeg: bytes, alt: str, name: str = "smx-original") -> str:
    return f'<img class="{name}" src="{_uri(jpeg, "jpeg")}" width="240" height="240" alt="{escape(alt, quote=True)}">'


@lru_cache(maxsize=1024)
def icon_of(jpeg: bytes) -> str:
    """The address of a small version of a JPEG file, itself in the address."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).resize((2 * ICON, 2 * ICON)).save(file, "JPEG", quality=70)
    return _uri(file.getvalue(), "jpeg")


def _uri(file: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"
