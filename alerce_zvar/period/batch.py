"""`find_periods`: many light curves on all cores, one row of the answer for each."""

import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.utils.masked import Masked

from alerce_zvar.period.fpw_search import check_workers
from alerce_zvar.period.search import AUTO, check_method, find_period

__all__ = ["find_periods"]

_FEW = 4  # light curves that are not worth starting processes for
_AHEAD = 4  # light curves per process that wait or whose results wait
_NUMBERS = {
    "period": u.day,
    "period_err": u.day,
    "power": None,
    "false_alarm_probability": None,
    "noise_probability": None,
    "n_points": None,
}


def find_periods(
    light_curves,
    *,
    method=AUTO,
    minimum_period=None,
    maximum_period=None,
    samples_per_peak=None,
    column=None,
    bands=None,
    workers=None,
    progress=None,
    **options,
):
    """Best period of each of many light curves.

    Every light curve is searched as by `find_period`, in a process of its own core; the rows are in the order of the
    light curves and do not depend on the number of processes. Only a few light curves are on their way at a time, so an
    iterator of millions may be given. What cannot be searched has a row too, with masked numbers and the reason in
    ``error``.

    A script that calls this with several workers must keep its own code under ``if __name__ == "__main__":``, since the
    processes read the script again; see `multiprocessing`.

    Parameters
    ----------
    light_curves : `~alerce_zvar.LightCurves`, mapping, or iterable of `~astropy.timeseries.TimeSeries`
        Light curves; a mapping, and a `~alerce_zvar.LightCurves`, also gives their ids.
    method, minimum_period, maximum_period, samples_per_peak, column, bands
        As for `find_period`.
    workers : int, optional
        Processes; by default one for each core. With 1, all is done in this process.
    progress : callable, optional
        Called as ``progress(done)`` after each light curve.
    **options
        Options of the method.

    Returns
    -------
    `~astropy.table.QTable`
        One row per light curve: ``id`` (text; the number of the light curve where there are no ids), ``period``,
        ``period_err`` [d], ``power``, ``false_alarm_probability``, ``noise_probability``, ``n_points``, ``epoch_time``
        (of maximum light, in the scale of the first light curve), ``believed``, ``terrestrial``, ``shape``,
        ``method``, ``reason``, and ``error`` (empty where all went well).

    Raises
    ------
    TypeError
        `light_curves` cannot be gone through.
    ValueError
        There is no such method, or an option or `workers` is out of its range.
    """
    workers = check_workers(workers)
    check_method(method, options)
    options |= {"method": method, "minimum_period": minimum_period, "maximum_period": maximum_period}
    options |= {"samples_per_peak": samples_per_peak, "column": column, "bands": bands}
    named = _named(light_curves)
    rows = _in_process(named, options) if workers == 1 else _in_processes(named, options, workers)
    collected = []
    for row in rows:
        collected.append(row)
        if progress:
            progress(len(collected))
    return _table(collected)


def _named(light_curves):
    """Pairs of an id and a light curve."""
    if hasattr(light_curves, "colnames") or not hasattr(light_curves, "__iter__"):
        raise TypeError(
            f"light_curves must be LightCurves, a mapping or a list of light curves, not {type(light_curves).__name__}"
        )
    if hasattr(light_curves, "items"):
        return ((str(name), curve) for name, curve in light_curves.items())
    ids = getattr(light_curves, "ids", None)
    if ids is not None:
        return zip((str(one) for one in ids), light_curves, strict=True)
    return ((str(number), curve) for number, curve in enumerate(light_curves))


def _in_process(named, options):
    for name, light_curve in named:
        yield _row(name, light_curve, options)


def _in_processes(named, options, workers):
    """Rows in order; a few light curves are looked at first, so that small batches start no processes."""
    first = []
    for pair in named:
        first.append(pair)
        if len(first) > _FEW:
            break
    else:
        yield from _in_process(first, options)
        return
    options = options | {"workers": 1}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_alone) as pool:
        under_way = deque(pool.submit(_row, *pair, options) for pair in first)
        for pair in named:
            if len(under_way) >= _AHEAD * workers:
                yield under_way.popleft().result()
            under_way.append(pool.submit(_row, *pair, options))
        while under_way:
            yield under_way.popleft().result()


def _alone():
    """Keep libraries from starting threads of their own in a process that has one core."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _row(name, light_curve, options):
    """What the table says of one light curve; plain numbers and texts."""
    try:
        result = find_period(light_curve, **options)
    except (TypeError, ValueError) as error:
        return {"id": name, "error": str(error) or type(error).__name__}
    numbers = {key: getattr(result, key) for key in _NUMBERS}
    epoch = result.epoch_time
    return {
        "id": name,
        **{key: float(getattr(value, "value", value)) for key, value in numbers.items()},
        "epoch_time": (epoch.jd1, epoch.jd2, epoch.scale),
        "believed": result.believed,
        "error": "",
        **{key: getattr(result, key) for key in ("terrestrial", "shape", "method", "reason")},
    }


def _table(rows):
    """Rows as a table; numbers of failed rows are masked."""
    failed = np.array([bool(row["error"]) for row in rows], dtype=bool)

    def texts(key):
        return np.array([row.get(key, "") for row in rows], dtype=str)

    table = QTable({"id": texts("id")})
    for key, unit in _NUMBERS.items():
        values = np.array([row.get(key, 0) for row in rows], dtype=int if key == "n_points" else float)
        table[key] = _masked(values if unit is None else values << unit, failed)
    table["epoch_time"] = _times([row.get("epoch_time") for row in rows], failed)
    table["believed"] = np.array([row.get("believed", False) for row in rows], dtype=bool)
    for key in ("terrestrial", "shape", "method", "reason", "error"):
        table[key] = texts(key)
    return table


def _masked(values, failed):
    if not failed.any():
        return values
    return Masked(values, mask=failed) if isinstance(values, u.Quantity) else np.ma.array(values, mask=failed)


def _times(parts, failed):
    """Times in the scale of the first of them, masked where there is none."""
    scale = next((part[2] for part in parts if part), "tdb")
    times = [Time(*part[:2], format="jd", scale=part[2]) if part else None for part in parts]
    same = [getattr(one, scale) if one is not None else None for one in times]
    jd1, jd2 = (np.array([getattr(one, half) if one is not None else 0.0 for one in same]) for half in ("jd1", "jd2"))
    joined = Time(jd1, jd2, format="jd", scale=scale)
    joined.format = "mjd"
    if failed.any():
        joined[failed] = np.ma.masked
    return joined
