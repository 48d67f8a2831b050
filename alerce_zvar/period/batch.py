"""`find_periods`: many light curves on all cores, one row of the answer for each."""

import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
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
    "nterms": None,
    "n_points": None,
}
_WHOLE, _FLAGS = ("nterms", "n_points"), ("believed", "at_edge")
_TEXTS = ("terrestrial", "shape", "method", "reason")
_DIED = "BrokenProcessPool: the process that searched it was killed from outside, as where memory runs out"


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
    iterator of millions may be given. What cannot be searched, for whatever reason, has a row too, with masked numbers
    and the reason in ``error``. Where a process dies, the light curves that were on their way are searched once more,
    each alone.

    A script that calls this with several workers must keep its own code under ``if __name__ == "__main__":``, since the
    processes read the script again; see `multiprocessing`.

    Parameters
    ----------
    light_curves : `~alerce_zvar.LightCurves`, mapping, or iterable of `~astropy.timeseries.TimeSeries`
        Light curves; a mapping, and a `~alerce_zvar.LightCurves`, also gives their ids.
    method, minimum_period, maximum_period, samples_per_peak, column, bands
        As for `find_period`.
    workers : int, optional
        Processes; by default one for each core. With 1, all is done in this process and on one core.
    progress : callable, optional
        Called as ``progress(done)`` after each light curve.
    **options
        Options of the method.

    Returns
    -------
    `~astropy.table.QTable`
        One row per light curve: ``id`` (text; the number of the light curve where there are no ids), ``period``,
        ``period_err`` [d], ``power``, ``false_alarm_probability``, ``noise_probability``, ``nterms``, ``n_points``,
        ``epoch_time`` (of maximum light, in the scale of the first light curve), ``believed``, ``at_edge``,
        ``terrestrial``, ``shape``, ``method``, ``reason``, and ``error`` (class and words of what was raised, such as
        ``"ValueError: the light curve has 3 usable rows; ..."``; empty where all went well).

    Raises
    ------
    TypeError
        `light_curves` cannot be gone through.
    ValueError
        There is no such method, or an option or `workers` is out of its range.
    RuntimeError
        No process can be started.
    """
    workers = check_workers(workers)
    check_method(method, options)
    options |= {"method": method, "minimum_period": minimum_period, "maximum_period": maximum_period}
    options |= {"samples_per_peak": samples_per_peak, "column": column, "bands": bands}
    named = _named(light_curves)
    rows = _in_process(named, options, 1) if workers == 1 else _in_processes(named, options, workers)
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


def _in_process(named, options, threads):
    for name, light_curve in named:
        yield _row(name, light_curve, options | {"workers": threads})


def _in_processes(named, options, workers):
    """Rows in order; a few light curves are looked at first, so that small batches start no processes."""
    first = []
    for pair in named:
        first.append(pair)
        if len(first) > _FEW:
            break
    else:
        yield from _in_process(first, options, workers)
        return
    pairs, waiting = chain(first, named), deque()
    while True:
        try:
            yield from _in_pool(pairs, waiting, options, workers)
            return
        except BrokenProcessPool:
            again = [pair for pair, _ in waiting]
            waiting.clear()
        yield from _one_by_one(again, options)


def _pool(workers):
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_alone)


def _in_pool(pairs, waiting, options, workers):
    """Rows in order. `waiting` keeps what has none yet, so that nothing is lost where a process dies."""
    options, pool = options | {"workers": 1}, _pool(workers)
    try:
        for pair in pairs:
            waiting.append((pair, None))
            waiting[-1] = pair, pool.submit(_row, *pair, options)
            if len(waiting) >= _AHEAD * workers:
                yield _first(waiting)
        while waiting:
            yield _first(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _first(waiting):
    """Row of the first that waits."""
    (name, _), future = waiting[0]
    row = _result(name, future)
    waiting.popleft()
    return row


def _one_by_one(pairs, options):
    """Rows of light curves one of which ends the process that searches it."""
    options, pool = options | {"workers": 1}, _pool(1)
    try:
        _check_starts(pool)
        for name, light_curve in pairs:
            try:
                yield _result(name, pool.submit(_row, name, light_curve, options))
            except BrokenProcessPool:
                yield {"id": name, "error": _DIED}
                pool = _pool(1)
    finally:
        pool.shutdown(cancel_futures=True)


def _check_starts(pool):
    try:
        pool.submit(os.getpid).result()
    except BrokenProcessPool as error:
        raise RuntimeError(
            "find_periods cannot start processes (what they said is on stderr): keep the code of a script under "
            "if __name__ == '__main__':, or pass workers=1"
        ) from error


def _result(name, future):
    """Row of a light curve; what could not be handed to a process or back is a failure of its own."""
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:  # as `_row`
        return _failure(name, error)


def _alone():
    """Keep libraries from starting threads of their own in a process that has one core."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _row(name, light_curve, options):
    """What the table says of one light curve; plain numbers and texts."""
    try:
        result = find_period(light_curve, **options)
        return _told(name, result)
    except Exception as error:  # one light curve, whatever is wrong with it, must not end the search of all others
        return _failure(name, error)


def _failure(name, error):
    return {"id": name, "error": f"{type(error).__name__}: {error}"}


def _told(name, result):
    numbers = {key: getattr(result, key) for key in _NUMBERS}
    epoch = result.epoch_time
    return {
        "id": name,
        **{key: float(getattr(value, "value", value)) for key, value in numbers.items()},
        "epoch_time": (epoch.jd1, epoch.jd2, epoch.scale),
        "error": "",
        **{key: getattr(result, key) for key in (*_FLAGS, *_TEXTS)},
    }


def _table(rows):
    """Rows as a table; numbers of failed rows are masked."""
    failed = np.array([bool(row["error"]) for row in rows], dtype=bool)

    def texts(key):
        return np.array([row.get(key, "") for row in rows], dtype=str)

    table = QTable({"id": texts("id")})
    for key, unit in _NUMBERS.items():
        values = np.array([row.get(key, 0) for row in rows], dtype=int if key in _WHOLE else float)
        table[key] = _masked(values if unit is None else values << unit, failed)
    table["epoch_time"] = _times([row.get("epoch_time") for row in rows], failed)
    for key in _FLAGS:
        table[key] = np.array([row.get(key, False) for row in rows], dtype=bool)
    for key in (*_TEXTS, "error"):
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
