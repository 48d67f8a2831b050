"""The methods of period search by name: those of this package, and those that users add.

A new method is a function and a record::

    def power_blocks(series, grid, *, n_bins=10):
        for start, block in grid.blocks():
            yield start, my_power(series.time, series.value, series.error, block.frequencies(), n_bins)

    register_method(Method("mine", power_blocks, statistic="my power", options=(whole("n_bins", 10, 2, 100),)))
    periodogram(light_curve, method="mine", n_bins=20)
"""

from astropy.table import Table

from alerce_zvar.errors import shown
from alerce_zvar.period import aov, bls, conditional_entropy, fpw_method, lombscargle, multiband, pdm, stringlength
from alerce_zvar.period.method import Method
from alerce_zvar.references import in_words

__all__ = ["get_method", "list_methods", "register_method"]

_MODULES = (lombscargle, multiband, aov, bls, conditional_entropy, fpw_method, pdm, stringlength)
_METHODS = {module.METHOD.name: module.METHOD for module in _MODULES}
_OWN = frozenset(_METHODS)
COLUMNS = dict.fromkeys(("name", "suits", "statistic", "meaning", "options"), str)
COLUMNS |= {"samples_per_peak": float, "needs_bands": bool, "extra": str, "reference": str}


def get_method(name):
    """The method of a name, a `~alerce_zvar.period.method.Method`.

    Parameters
    ----------
    name : str
        One of `list_methods`.

    Returns
    -------
    `~alerce_zvar.period.method.Method`

    Raises
    ------
    ValueError
        There is none.
    """
    if not isinstance(name, str) or name not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {shown(name)}")
    return _METHODS[name]


def list_methods():
    """What methods of period search there are.

    Returns
    -------
    `~astropy.table.Table`
        One row per method: ``name``, ``suits`` (what it is good for), ``statistic`` (what power is called),
        ``meaning`` (what power says), ``options`` (with their defaults), ``samples_per_peak`` (by default),
        ``needs_bands``, ``extra`` (of this package, that makes it fast), ``reference``.
    """
    rows = [
        [_TOLD[name](method) if name in _TOLD else getattr(method, name) for name in COLUMNS]
        for method in _METHODS.values()
    ]
    return Table(rows=rows, names=list(COLUMNS), dtype=list(COLUMNS.values()))


def _options(method):
    return ", ".join(f"{option.name}={option.default!r}" for option in method.options)


def _reference(method):
    return method.reference or in_words(method.citations)


_TOLD = {"options": _options, "reference": _reference}


def register_method(method):
    """Add a method of one's own, so that `periodogram` finds it by name.

    One of the same name that was added before gives way to it.

    Parameters
    ----------
    method : `~alerce_zvar.period.method.Method`
        The method.

    Raises
    ------
    TypeError
        It is not a `~alerce_zvar.period.method.Method`.
    ValueError
        It has the name of a method of this package, or none.
    """
    if not isinstance(method, Method):
        raise TypeError(f"method must be a Method, not {type(method).__name__}")
    if not method.name or method.name in _OWN:
        raise ValueError(f"the name of a new method must not be empty or one of {', '.join(sorted(_OWN))}")
    _METHODS[method.name] = method
