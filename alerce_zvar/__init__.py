"""ALeRCE and ZVAR for astronomers: typed tables, light curves with units, periods, folding, and a local server.

Everything is loaded on first use, so importing the package costs nothing.
"""

from importlib import import_module as _import_module

_PUBLIC = {
    "Alerce": "alerce_zvar.alerce.core",
    "AlerceClass": "alerce_zvar.alerce.core",
    "CatsHTM": "alerce_zvar.catshtm.core",
    "CatsHTMClass": "alerce_zvar.catshtm.core",
    "LightCurves": "alerce_zvar.lightcurves",
    "Zvar": "alerce_zvar.zvar.core",
    "ZvarClass": "alerce_zvar.zvar.core",
    "__citation__": "alerce_zvar.citing",
    "cite": "alerce_zvar.citing",
    "conf": "alerce_zvar.config",
    "crossmatch": "alerce_zvar.match",
    "epoch_of_extremum": "alerce_zvar.period",
    "find_period": "alerce_zvar.period",
    "find_periods": "alerce_zvar.period",
    "fit_fourier": "alerce_zvar.period",
    "fold": "alerce_zvar.folding",
    "match_services": "alerce_zvar.match",
    "periodogram": "alerce_zvar.period",
    "phase_of_minimum": "alerce_zvar.period",
    "plot_folded": "alerce_zvar.plot",
    "prewhiten": "alerce_zvar.period",
    "report": "alerce_zvar.reporting",
}
_ROOMS = ("archive", "errors", "period", "plot", "sample", "server")

__all__ = [
    "Alerce",
    "AlerceClass",
    "CatsHTM",
    "CatsHTMClass",
    "LightCurves",
    "Zvar",
    "ZvarClass",
    "cite",
    "conf",
    "crossmatch",
    "epoch_of_extremum",
    "find_period",
    "find_periods",
    "fit_fourier",
    "fold",
    "match_services",
    "periodogram",
    "phase_of_minimum",
    "plot_folded",
    "prewhiten",
    "report",
]


def __getattr__(name):
    if name == "__version__":
        from importlib.metadata import version

        value = version("alerce_zvar")
    elif name in _PUBLIC:
        value = getattr(_import_module(_PUBLIC[name]), name)
    elif name in _ROOMS:
        value = _import_module(f"alerce_zvar.{name}")
    else:
        raise AttributeError(f"module 'alerce_zvar' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_PUBLIC, *_ROOMS, "__version__"})
