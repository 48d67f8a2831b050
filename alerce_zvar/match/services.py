"""What ALeRCE, ZVAR and Gaia know of places on the sky, side by side."""

import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from astropy import units as u
from astropy.table import Table

from alerce_zvar.errors import NoResultsWarning, PartialResultWarning, ServiceError, shown, warn
from alerce_zvar.match import schema
from alerce_zvar.match.places import positions_of
from alerce_zvar.wire.answer import AnswerTable
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.wire.query import as_list, to_icrs, to_radius
from alerce_zvar.zvar.schema import MAX_RADIUS

__all__ = ["SERVICES", "match_services"]

SERVICES = ("alerce", "zvar", "gaia")
CLASSIFIERS = ("lc_classifier", "stamp_classifier")


def match_services(
    coordinates,
    radius,
    *,
    services=SERVICES,
    classifiers=CLASSIFIERS,
    alerce=None,
    zvar=None,
    timeout=None,
):
    """What the services have nearest to each of some positions: one row per position, in their order.

    Parameters
    ----------
    coordinates : `~astropy.coordinates.SkyCoord` or `~astropy.table.Table`
        One position or any number of them; or a table with a column of them, or with ``ra`` and ``dec``.
    radius : Quantity, Angle or str
        Largest separation, at most 10 arcmin. Bare numbers are refused.
    services : list of {"alerce", "zvar", "gaia"}
        Which to ask. Gaia is asked through ZVAR, for its sources, and so needs it.
    classifiers : str or list of str
        Whose class is given: of the first one that has classified the object.
    alerce : AlerceClass, optional
        By default `alerce_zvar.Alerce`.
    zvar : ZvarClass, optional
        By default `alerce_zvar.Zvar`.
    timeout : float or Quantity, optional
        Total seconds for each request, retries and waits included; by default ``conf.timeout``.

    Returns
    -------
    AnswerTable
        ``input_index, ra, dec``, then of ALeRCE ``oid, oid_separation, class_name, classifier, probability``, of ZVAR
        ``psid, psid_separation, period, significance, n_bins, period_band``, of Gaia ``gaia_id, gaia_separation`` and
        its brightness, parallax and motion. Separations are from the position that was asked for [arcsec]. What a
        service does not have, or was not asked for, is masked. ``failures`` lists what could not be found out:
        ``input_index, service, input, error, reason, url``.

    Raises
    ------
    astropy.units.UnitsError
        A radius, or columns of positions, without a unit.
    TypeError
        Neither coordinates nor a table.
    ValueError
        No position, or one that is not finite; a service that there is not.
    ServiceError
        Every service failed for every position.

    Notes
    -----
    The class is the most probable one of the classifier, by the version that is surest: versions have no order. The
    period is the most significant one of all light curves of ZVAR's source. Gaia's source is the one nearest to that of
    ZVAR; where ZVAR failed, Gaia was not asked. ALeRCE takes a request for each position, ZVAR one for 1000 of them:
    ALeRCE's TAP service takes many ids at once, but does not come to an end with many positions.
    """
    from alerce_zvar.alerce.core import Alerce
    from alerce_zvar.zvar.core import Zvar

    asked = _checked_services(services)
    places = _places(coordinates)
    job = _Job(
        places,
        to_radius(radius, maximum=MAX_RADIUS * u.arcsec),
        as_list(classifiers)[0],
        Alerce if alerce is None else alerce,
        Zvar if zvar is None else zvar,
        timeout,
    )
    with warnings.catch_warnings():  # of single questions; what they amount to is told at the end
        for category in (NoResultsWarning, PartialResultWarning):
            warnings.simplefilter("ignore", category)
        for service in asked:
            job.ask(service)
    job.raise_if_nothing_else(asked)
    table = AnswerTable(decode_table(job.rows, schema.MATCHES), copy=False)
    table.meta.update(services=", ".join(asked), retrieved=datetime.now(UTC).isoformat(timespec="seconds"))
    _announce(table, job)
    return table.with_companions(failures=job.failure_table())


def _checked_services(services):
    given = as_list(services)[0]
    wrong = [service for service in given if service not in SERVICES]
    if wrong or not given:
        what = f"{shown(wrong[0])} is not" if wrong else "an empty list was given"
        raise ValueError(f"services must be of {', '.join(SERVICES)}; {what}")
    if "gaia" in given and "zvar" not in given:
        raise ValueError("services must hold 'zvar' if 'gaia' is wanted, which is asked for ZVAR's sources")
    return [service for service in SERVICES if service in given]


def _places(coordinates):
    """Positions as an array."""
    if isinstance(coordinates, Table):
        coordinates, known = positions_of(coordinates, "coordinates")
        if not np.all(known):
            raise ValueError(f"coordinates must be finite; row {np.flatnonzero(~known)[0]} of the table has none")
    return np.atleast_1d(to_icrs(coordinates))


@dataclass
class _Job:
    """Positions, whom to ask, and what came."""

    places: object
    radius: object
    classifiers: list
    alerce: object
    zvar: object
    timeout: object
    rows: list = field(init=False)
    failures: list = field(default_factory=list, init=False)
    errors: dict = field(default_factory=dict, init=False)  # service -> what it failed by altogether

    def __post_init__(self):
        icrs = zip(self.places.ra.deg.tolist(), self.places.dec.deg.tolist(), strict=True)
        self.rows = [{"input_index": index, "ra": ra, "dec": dec} for index, (ra, dec) in enumerate(icrs)]

    def ask(self, service):
        """Add what a service knows to the rows; a failure of it is noted."""
        try:
            getattr(self, f"_ask_{service}")()
        except ServiceError as error:
            self.errors[service] = error
            self._note_error(service, range(len(self.rows)), error)

    def _ask_alerce(self):
        # One request each: the TAP service hangs on a join by position with an upload (reference/alerce.md 9).
        objects = self.alerce.query_region(
            self.places, radius=self.radius, row_limit=-1, one_row_per_object=True, timeout=self.timeout
        )
        self._note("alerce", objects.failures)
        self._add_nearest(objects, schema.ALERCE, ("oid",), "oid_separation")
        owners = self._owners("oid")
        for classifier in self.classifiers:
            if owners:
                self._add_classes(classifier, owners)

    def _add_classes(self, classifier, owners):
        """Class by a classifier of all objects in `owners`; those that have one are taken out."""
        places = [place for each in owners.values() for place in each]
        try:
            found = self.alerce.query_objects(
                oid=list(owners),
                classifier=classifier,
                ranking=1,
                one_row_per_object=True,
                row_limit=-1,
                timeout=self.timeout,
            )
        except ServiceError as error:
            self._note_error("alerce", places, error)
            owners.clear()  # who knows whether this one has classified them
            return
        for failure in found.failures[found.failures["error"] != ""]:
            for place in owners.pop(failure["input"], ()):
                self._note_one("alerce", place, failure)
        for row in found:
            for place in owners.pop(row["oid"], ()):
                self._fill(place, row, schema.ALERCE, ("class_name", "classifier", "probability"))

    def _ask_zvar(self):
        sources = self.zvar.query_region(self.places, radius=self.radius, timeout=self.timeout)
        self._note("zvar", sources.failures)
        self._add_nearest(sources, schema.ZVAR, ("psid",), "psid_separation")
        owners = self._owners("psid")
        for row in sources.best_periods():
            for place in owners.get(row["psid"], ()):
                self._fill(place, row, schema.ZVAR, ("period", "significance", "n_bins", "band"))

    def _ask_gaia(self):
        owners = self._owners("psid")
        if not owners:
            return
        psids = list(owners)
        found = self.zvar.query_crossmatch(psids, "gaia", radius=self.radius, timeout=self.timeout)
        for failure in found.failures[found.failures["error"] != ""]:
            for place in owners[failure["input"]]:
                self._note_one("gaia", place, failure)
        names = [name for name in schema.GAIA if name in found.colnames]
        pairs = [(row, place) for row, psid in enumerate(found["psid"]) for place in owners[psid]]
        rows, places = np.array(pairs, dtype=int).reshape(-1, 2).T
        separation = _separations(found[rows], self.places[places])
        for (row, place), angle in zip(pairs, separation, strict=True):
            self._fill(place, found[row], schema.GAIA, names)
            self._set_separation(place, "gaia_separation", angle)

    def _add_nearest(self, table, columns, names, separation_name):
        """Of each position the nearest row."""
        if not len(table):
            return
        index = np.asarray(table["input_index"])
        separation = _separations(table, self.places[index])
        order = np.lexsort((separation, index))
        _, first = np.unique(index[order], return_index=True)
        for row in order[first]:
            place = int(index[row])
            self._fill(place, table[int(row)], columns, names)
            self._set_separation(place, separation_name, separation[row])

    def _set_separation(self, place, name, angle):
        if np.isfinite(angle):
            self.rows[place][name] = float(angle)

    def _fill(self, place, row, columns, names):
        for name in names:
            value = row[name]
            if value is not np.ma.masked:
                self.rows[place][columns[name].name] = value.item()

    def _owners(self, key):
        """Id -> the places that have it."""
        found = {}
        for place, row in enumerate(self.rows):
            if key in row:
                found.setdefault(row[key], []).append(place)
        return found

    def _note(self, service, failures):
        for failure in failures:
            self._note_one(service, int(failure["input_index"]), failure)

    def _note_one(self, service, place, failure):
        words = [str(failure[name]) for name in ("error", "reason", "url")]
        self.failures.append((place, service, self._label(place), *words))

    def _note_error(self, service, places, error):
        words = type(error).__name__, str(error), error.url
        self.failures += [(place, service, self._label(place), *words) for place in places]

    def _label(self, place):
        return f"{self.rows[place]['ra']:.6f} {self.rows[place]['dec']:+.6f}"

    def raise_if_nothing_else(self, asked):
        """Raise the first error if each service failed; Gaia is asked through ZVAR."""
        if self.errors and all(service in self.errors for service in asked if service != "gaia"):
            raise next(iter(self.errors.values()))

    def failure_table(self):
        """All failures, in the order of the positions."""
        rows = sorted(self.failures, key=lambda row: row[0]) or None
        return Table(rows=rows, names=list(schema.FAILURES), dtype=list(schema.FAILURES.values()))


def _separations(table, places):
    """Angle [arcsec] of each row from a place; infinite where the row has no position."""
    positions, known = positions_of(table)
    return np.where(known, positions.separation(places).to_value(u.arcsec), np.inf)


def _announce(table, job):
    failed = {place for place, *_ in job.failures}
    if not any("oid" in row or "psid" in row for row in job.rows):
        warn(f"Nothing is known near any of {len(table)} positions", NoResultsWarning)
    if failed:
        _, service, label, _, reason, _ = min(job.failures)
        warn(
            f"{len(failed)} of {len(table)} positions could not be asked about everywhere, the first is {label} of "
            f"{service}: {reason:.300} (see .failures)",
            PartialResultWarning,
        )
