"""The explorer as a widget of a notebook."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

from astropy import units as u
from astropy.table import QTable
from astropy.time import Time

from alerce_zvar.errors import require, shown
from alerce_zvar.folding import check_epoch, check_period
from alerce_zvar.plot.explorer.candidates import as_candidates
from alerce_zvar.plot.explorer.files import SCRIPTS, STYLE, plotly_script, static_text
from alerce_zvar.plot.explorer.inputs import collect, coordinates_of, periodograms_of, periods_of, searched_payload
from alerce_zvar.plot.explorer.payload import object_payload, page_payload
from alerce_zvar.plot.model import BINS, CYCLES

__all__ = ["Explorer", "explore"]

_KEPT = ("id", "period", "epoch_mjd", "scale", "origin", "note")
_SHORTEST, _LONGEST = 1e-6 * u.day, 1e6 * u.day  # as in words.js
# plotly.js comes as a classic script: it gives its export to a `module`, and a global that others may have set as well.
_MODULE = """const before = globalThis.Plotly;
const module = { exports: {} };
(function (module, exports, define) {
%s
}).call(globalThis, module, module.exports, undefined);
if (before) globalThis.Plotly = before;
globalThis.AlerceZvar = { Plotly: module.exports };
%s
"""


def explore(
    light_curves,
    periods=None,
    *,
    periodogram=True,
    coordinates=None,
    alerce=None,
    zvar=None,
    timeout=None,
):
    """Fold light curves on any period by hand, in a notebook.

    Light curves travel to the page when they are looked at, and periods are searched then, so that many may be opened
    at once. The page says what its keys do; `alerce_zvar.plot.explorer.write_html` makes one that needs no notebook.

    Parameters
    ----------
    light_curves : TimeSeries, LightCurves, mapping of id to TimeSeries, list of TimeSeries, or ids
        What to show. Ids of digits only are ZVAR's (psid), others ALeRCE's (oid): then light curves are asked of the
        service, and their periods of both.
    periods : None, Quantity, PeriodCandidate, PeriodResult, list, dict by id, or QTable, optional
        What may be chosen; the first is shown. None searches with `alerce_zvar.find_period`, or for ids takes what the
        services know. One light curve may have a list of periods; for many, a Quantity holds one for all or one for
        each, and a list has an entry for each. A table is one of `alerce_zvar.find_periods`.
    periodogram : bool, Periodogram, PeriodResult, dict by id, or list
        True draws those of the results that give the periods.
    coordinates : `~astropy.coordinates.SkyCoord`, optional
        One for each light curve, for the links; not for ids, whose places are known.
    alerce : AlerceClass, optional
        Whom to ask for ids; by default `alerce_zvar.Alerce`.
    zvar : ZvarClass, optional
        By default `alerce_zvar.Zvar`.
    timeout : float or Quantity, optional
        Total seconds of each request.

    Returns
    -------
    Explorer
        A widget: its value at the end of a cell shows it.

    Raises
    ------
    TypeError, ValueError, astropy.units.UnitsError
        Light curves, periods or coordinates that cannot be shown.
    ServiceError
        There is no light curve of any of the ids.
    MissingExtraError
        anywidget or plotly is not installed.

    Warns
    -----
    PartialResultWarning
        A service failed, or an id has no light curve; the others are shown.

    Examples
    --------
    >>> from alerce_zvar.plot import explore
    >>> explorer = explore(["ZTF18abcdefg", "145120008365555264"])  # doctest: +SKIP
    >>> explorer.kept_periods.write("periods.ecsv")  # doctest: +SKIP
    """
    make = _widget_class()
    if _are_ids(light_curves):
        from alerce_zvar.plot.explorer.services import fetch

        if coordinates is not None:
            raise ValueError("coordinates go with light curves; the services know the places of ids")
        fetched = fetch(light_curves, alerce=alerce, zvar=zvar, timeout=timeout)
        curves, places = fetched.curves, fetched.coordinates
        known = periods_of(periods, curves.ids) if periods is not None else [one or None for one in fetched.periods]
    else:
        curves = collect(light_curves)
        places, known = coordinates_of(coordinates, curves.ids), periods_of(periods, curves.ids)
    return make(_Objects(curves, known, periodograms_of(periodogram, curves.ids), places))


def _are_ids(values):
    if isinstance(values, str | int):
        return True
    dtype = getattr(values, "dtype", None)
    if dtype is not None and not hasattr(values, "colnames"):
        return dtype.kind in "UOiu"
    return isinstance(values, list | tuple | set) and all(isinstance(one, str | int) for one in values)


class _Objects:
    """The objects of a widget: payloads made, and periods searched, when they are asked for."""

    def __init__(self, curves, periods, periodograms, places):
        self.curves, self._periods, self._scans, self._places = curves, periods, periodograms, places
        self._found = {}
        self._lock = Lock()  # one search at a time, and each once

    def __len__(self):
        return len(self.curves)

    def stubs(self):
        """Names of all objects, as the page takes them."""
        return [{"id": one, "title": one, "stub": True} for one in self.curves.ids]

    def must_search(self, index):
        """Whether a period or a periodogram of an object has yet to be computed."""
        slow = self._periods[index] is None or (self._scans[index] is True and hasattr(self._periods[index], "grid"))
        return slow and index not in self._found

    def light_curve(self, index):
        """The object without its periods; they are pending."""
        options = self._options(index)
        return object_payload(self.curves.get(index), **options) | {"stub": False, "pending": True}

    def whole(self, index):
        """The object with its periods."""
        with self._lock:
            if index not in self._found:
                how = {"periods": self._periods[index], "periodogram": self._scans[index]}
                found = searched_payload(self.curves.get(index), **how, **self._options(index))
                self._found[index] = found | {"stub": False, "pending": False}
            return self._found[index]

    def _options(self, index):
        return {"id": self.curves.ids[index], "coordinates": self._places[index]}


class Explorer:
    """What the widget of `explore` can do in Python.

    Attributes
    ----------
    index : int
        Number of the object that is looked at.
    period : `~astropy.units.Quantity` or None
        Its period [d]; None while none is known.
    epoch : float or None
        Time of phase 0 (MJD in the scale of the light curve).
    n_bins : int
        Bins per cycle, 0 for none.
    cycles : float
        1, 1.5 or 2.
    kept : list of dict
        Periods that were kept; `kept_periods` is the same as a table.

    Notes
    -----
    The page and Python see each other's changes of all of these; ``observe`` of ipywidgets tells of them.
    """

    def _start(self, objects):
        self._objects = objects
        self._wanted = None  # object that a page looks at; the trait `index` may come a moment later
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="alerce_zvar_explorer")
        self.on_msg(self._asked)

    @property
    def object_id(self):
        """Id of the object that is looked at, a text."""
        return self._objects.curves.ids[self.index]

    @property
    def light_curve(self):
        """Light curve that is looked at."""
        return self._objects.curves.get(self.index)

    @property
    def epoch_time(self):
        """Time of phase 0, a `~astropy.time.Time` in the scale of the light curve, or None."""
        return None if self.epoch is None else Time(self.epoch, format="mjd", scale=self.light_curve["time"].scale)

    @property
    def kept_periods(self):
        """Periods that were kept: a QTable of ``id, period, epoch_time, origin, note``.

        Times of light curves in several scales are given in TDB.
        """
        scales = {row["scale"] for row in self.kept}
        times = [Time(row["epoch_mjd"], format="mjd", scale=row["scale"]) for row in self.kept]
        scale = scales.pop() if len(scales) == 1 else "tdb"
        epochs = Time([getattr(time, scale).mjd for time in times], format="mjd", scale=scale)
        texts = {name: [str(row[name]) for row in self.kept] for name in ("id", "origin", "note")}
        days = [float(row["period"]) for row in self.kept] * u.day
        table = QTable({"id": texts["id"], "period": days, "epoch_time": epochs}, dtype=(str, None, None))
        table["origin"], table["note"] = (
            QTable({name: texts[name]}, dtype=(str,))[name] for name in ("origin", "note")
        )
        return table

    def set(self, *, object=None, period=None, epoch_time=None, n_bins=None, cycles=None):
        """Change what is shown.

        Parameters
        ----------
        object : str or int, optional
            Id of the object to look at, or its number.
        period : `~astropy.units.Quantity` or PeriodResult, optional
            Period; a result also gives the epoch.
        epoch_time : `~astropy.time.Time`, optional
            Time of phase 0.
        n_bins : int, optional
            0 to 1000.
        cycles : {1, 1.5, 2}, optional
            How many.

        Raises
        ------
        astropy.units.UnitsError
            `period` has no unit of time.
        TypeError
            `epoch_time` is not one Time.
        ValueError
            There is no such object, or a value is not accepted.
        """
        changes = {} if object is None else {"index": self._place(object)}
        if period is not None and not isinstance(period, u.Quantity):
            best = as_candidates(period)[0]
            period, epoch_time = best.period, best.epoch_time if epoch_time is None else epoch_time
        if period is not None:
            changes["period"] = period
        if epoch_time is not None:
            scale = self._objects.curves.get(changes.get("index", self.index))["time"].scale
            changes["epoch"] = float(getattr(check_epoch(epoch_time), scale).mjd)
        changes |= {name: value for name, value in (("n_bins", n_bins), ("cycles", cycles)) if value is not None}
        with self.hold_sync():
            for name, value in changes.items():
                setattr(self, name, value)

    def _place(self, wanted):
        ids = self._objects.curves.ids
        if isinstance(wanted, str) and wanted in ids:
            return ids.index(wanted)
        if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(ids):
            return wanted
        raise ValueError(f"object must be one of the ids, or a number from 0 to {len(ids) - 1}, not {shown(wanted)}")

    def _asked(self, _, message, buffers):
        """The page looks at an object: it gets the light curve at once, and the periods when they are known."""
        index = message.get("look")
        if not isinstance(index, int) or not 0 <= index < len(self._objects):
            return
        self._wanted = index
        try:
            slow = self._objects.must_search(index)
            self._tell(index, self._objects.light_curve(index) if slow else self._objects.whole(index))
        except (TypeError, ValueError) as error:
            self._tell(index, {"note": f"This light curve cannot be shown: {error}", "failed": True})
            return
        if slow:
            self._pool.submit(self._search, index)

    def _search(self, index):
        """In the thread of searches; not of an object that was left meanwhile, which will ask again."""
        if index != self._wanted:
            return
        try:
            whole = self._objects.whole(index)
        except Exception as error:  # nobody else would hear of it
            self._tell(index, {"note": f"The search failed: {error}", "failed": True, "pending": False})
            raise
        self._tell(index, {name: whole[name] for name in ("periods", "periodogram", "note", "pending")})

    def _tell(self, index, payload):
        self.send({"index": index, "object": payload})


def _days(period, _):
    return None if period is None else float(period.to_value(u.day))


def _quantity(days, _):
    return None if days is None else days * u.day


def module_script():
    """The widget's one module: plotly.js, our scripts, and the function that shows a widget."""
    scripts = "\n".join(static_text(name) for name in SCRIPTS)
    return _MODULE % (plotly_script(), scripts) + static_text("render.js")


@cache
def _widget_class():
    """The widget's class, made on first use: it needs packages that are optional."""
    anywidget, traitlets = require("plot", "anywidget", "traitlets")

    class ExplorerWidget(Explorer, anywidget.AnyWidget):
        _esm = module_script()
        _css = static_text(STYLE)
        page = traitlets.Dict().tag(sync=True)
        index = traitlets.Int(0, min=0).tag(sync=True)
        period = traitlets.Any(None, allow_none=True).tag(sync=True, to_json=_days, from_json=_quantity)
        epoch = traitlets.Float(None, allow_none=True).tag(sync=True)
        n_bins = traitlets.Int(0, min=0, max=BINS).tag(sync=True)
        cycles = traitlets.Enum(CYCLES, 2).tag(sync=True)
        kept = traitlets.List(traitlets.Dict()).tag(sync=True)

        def __init__(self, objects):
            super().__init__(page=page_payload(objects.stubs()))
            self._start(objects)

        @traitlets.validate("index")
        def _check_index(self, proposal):
            if hasattr(self, "_objects") and proposal["value"] >= len(self._objects):
                raise ValueError(f"index must be less than {len(self._objects)}, not {proposal['value']}")
            return proposal["value"]

        @traitlets.validate("period")
        def _check_period(self, proposal):
            period = proposal["value"]
            if period is not None and not _SHORTEST < check_period(period) < _LONGEST:
                raise ValueError(f"period must lie between {_SHORTEST} and {_LONGEST}, not {shown(period)}")
            return None if period is None else period.to(u.day)

    ExplorerWidget.__doc__ = Explorer.__doc__
    return ExplorerWidget
