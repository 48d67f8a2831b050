"""Figure of what classifiers say of one object."""

import numpy as np
from astropy.table import Table

from alerce_zvar.folding import numbers, usable
from alerce_zvar.plot.axes import make_axes, plain_text, set_title
from alerce_zvar.plot.style import FAINT_COLOR, LINE_COLOR

__all__ = ["plot_probabilities"]

_NEEDED = ("classifier", "class_name", "probability")
_ROW = 0.2  # inch
_OTHER = "#9DB8CC"  # of the classes that are not the most probable


def plot_probabilities(table, *, title=None, ax=None):
    """Axes with a horizontal bar for each class, sorted, in groups by classifier and version.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Rows of one object, as ``Alerce.query_probabilities`` gives them: ``classifier, class_name, probability``, and
        ``classifier_version`` and ``oid`` where there are such. Rows without a probability are not drawn.
    title : str, optional
        Drawn letter by letter; by default the object's id.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure, as high as the table is long.

    Returns
    -------
    `~matplotlib.axes.Axes`

    Raises
    ------
    TypeError
        `table` is no table.
    ValueError
        A column is missing, `table` has rows of several objects, or a probability is not between 0 and 1.
    MissingExtraError
        matplotlib is not installed.
    """
    _check(table)
    groups = _groups(table)
    lines = sum(len(classes) + 1.5 for _, classes in groups)
    ax = make_axes(ax, inches=_ROW * lines + 0.9)
    places, names, heads = _draw(ax, groups)
    ax.set_yticks(places, names, fontsize="small")
    ax.tick_params(axis="y", length=0)
    for place, head in heads:
        ax.text(0.005, place, head, fontsize="small", fontweight="bold", va="center")
    ax.set(xlim=(0, 1.12), ylim=(lines - 0.5, -0.8), xlabel="Probability", xticks=np.linspace(0, 1, 6))
    ids = sorted(set(_texts(table, "oid"))) if "oid" in table.colnames else []
    set_title(ax, " ".join(ids).replace("\n", " ") if title is None else title)
    return ax


def _check(table):
    if not isinstance(table, Table):
        raise TypeError(f"table must be an astropy Table, as query_probabilities gives it, not {type(table).__name__}")
    missing = [name for name in _NEEDED if name not in table.colnames]
    if missing:
        raise ValueError(f"table must have the columns of query_probabilities; {', '.join(missing)} are missing")
    if "oid" in table.colnames and len(set(_texts(table, "oid"))) > 1:
        raise ValueError(f"table must be of one object, not of {len(set(_texts(table, 'oid')))}; choose rows by oid")
    known = numbers(table["probability"])[usable(table["probability"])]
    if not np.all((known >= 0) & (known <= 1)):
        raise ValueError(f"table: a probability must lie between 0 and 1, not {known.min():g} to {known.max():g}")


def _groups(table):
    """Classifiers in their order, each with (class, probability) by falling probability, as plain text and numbers."""
    heads = [_texts(table, "classifier")]
    heads += [_texts(table, "classifier_version")] if "classifier_version" in table.colnames else []
    rows = zip(*heads, _texts(table, "class_name"), numbers(table["probability"]), strict=True)
    groups = {}
    for (*words, name, probability), good in zip(rows, usable(table["probability"]), strict=True):
        if good:
            groups.setdefault(", ".join(filter(None, words)), []).append((name, float(probability)))
    return [(head, sorted(classes, key=lambda one: (-one[1], one[0]))) for head, classes in groups.items()]


def _texts(table, name):
    """A column as texts; empty where masked."""
    column = table[name]
    return np.where(np.asarray(getattr(column, "mask", False)), "", np.asarray(column).astype(str)).tolist()


def _draw(ax, groups):
    """Bars and their numbers, downwards; the places and names of classes, and those of classifiers."""
    line, places, names, heads = 0.0, [], [], []
    for head, classes in groups:
        heads.append((line, plain_text(head)))
        for rank, (name, probability) in enumerate(classes):
            line += 1
            ax.barh(line, probability, height=0.8, color=LINE_COLOR if rank == 0 else _OTHER)
            look = {"va": "center", "fontsize": "small", "color": FAINT_COLOR}
            ax.text(probability + 0.01, line, f"{probability:.3f}", **look)
            places.append(line)
            names.append(plain_text(name))
        line += 1.5
    return places, names, heads
