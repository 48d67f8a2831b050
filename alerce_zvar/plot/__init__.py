"""Figures with matplotlib, and the explorer, an interactive page (extra ``plot``); all loaded on first use."""

from importlib import import_module as _import_module

_PUBLIC = {
    "build_fold_model": "model",
    "envelope": "periodogram",
    "explore": "explorer",
    "plot_cmd": "diagram",
    "plot_folded": "folded",
    "plot_lightcurve": "lightcurve",
    "plot_period_candidates": "candidates",
    "plot_periodogram": "periodogram",
    "plot_probabilities": "probabilities",
    "plot_sky": "sky",
    "plot_stamps": "stamps",
    "print_style": "style",
    "write_html": "explorer",
}
_ROOMS = ("explorer", "model", "style")

__all__ = [
    "build_fold_model",
    "envelope",
    "explore",
    "plot_cmd",
    "plot_folded",
    "plot_lightcurve",
    "plot_period_candidates",
    "plot_periodogram",
    "plot_probabilities",
    "plot_sky",
    "plot_stamps",
    "print_style",
    "write_html",
]


def __getattr__(name):
    if name in _PUBLIC:
        value = getattr(_import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    elif name in _ROOMS:
        value = _import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_PUBLIC, *_ROOMS})
