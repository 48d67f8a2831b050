"""Lists of objects: filters, cones, order."""

from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.listing import Lister, best_rows, keys, sorted_rows
from alerce_zvar.alerce.order import Order, order_of
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.alerce.service import AlerceService, check_survey
from alerce_zvar.config import conf
from alerce_zvar.errors import MaxResultsWarning, ReplyError, ServiceError, shown, warn
from alerce_zvar.wire.answer import AnswerTable, Failures, announce
from alerce_zvar.wire.client import chunks, payloads
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.wire.query import as_list, checked, documented, to_icrs, to_radius

__all__ = ["ObjectQueries"]

_OIDS_PER_REQUEST = 100  # they travel in the address, and servers cut addresses at some 8 kB
_NOT_ZERO = 1e-9  # degrees, 4 microarcseconds: see _cone
_OURS = ("survey", "ra", "dec", "radius", "page", "page_size", "count", "order_by", "order_mode")  # set from arguments
_ANSWERS = {"ztf": schema.OBJECTS, "lsst": lsst.OBJECTS}
_PARAMS = {"ztf": schema.OBJECTS_PARAMS, "lsst": lsst.OBJECTS_PARAMS}
_FILTERS = {survey: tuple(p for p in params if p.name not in _OURS) for survey, params in _PARAMS.items()}
_NOT_FOUND = "no such object was found with these filters"
_BEYOND = "beyond the row_limit"


@dataclass(frozen=True)
class _Plan:
    """What is asked, once it is checked.

    Parameters
    ----------
    survey : str
        Which survey.
    inputs : list of str
        Positions, or pieces of a list of ids, or one text for all filters; for messages.
    starts : list of dict
        Filters of each input.
    order : Order
        Of the rows.
    limit : int
        Most rows or objects; -1 for all.
    single : bool
        One row per object.
    oids : list of str
        Ids that were listed one by one; empty if objects are selected otherwise.
    by_position : bool
        Inputs are positions.
    """

    survey: str
    inputs: list
    starts: list
    order: Order
    limit: int
    single: bool
    oids: list
    by_position: bool

    @property
    def whole(self):
        """True if every row is read, in the safe order, and sorted here."""
        return self.limit < 0 or bool(self.oids)

    @property
    def first_page(self):
        """Order and size of the first request of each input."""
        if not (self.order.safe or self.whole):
            return self.order.asked, self.limit + 1
        size = conf.page_size if self.whole else min(conf.page_size, self.limit + 1)
        safe = self.order if self.order.safe else order_of(self.survey, None, None, self.starts[0])
        return safe.asked, size

    def enough(self, rows, key=None):
        """True if rows are as many as are wanted, and one more; key: the last of them may be one object's first."""
        if self.whole:
            return False
        if not self.single:
            return len(rows) > self.limit
        sure = rows if key is None else [row for row in rows if row.get(key) != rows[-1].get(key)]
        return len(keys(sure)) > self.limit


class ObjectQueries(AlerceService):
    """Methods that list objects."""

    @documented(*_FILTERS["ztf"])
    def query_objects(
        self,
        *,
        survey="ztf",
        coordinates=None,
        radius=None,
        order_by=None,
        order_mode=None,
        row_limit=None,
        one_row_per_object=False,
        get_query_payload=False,
        timeout=None,
        **filters,
    ):
        """Objects that match filters.

        Parameters
        ----------
        survey : {"ztf", "lsst"}
            Whose objects.
        coordinates : `~astropy.coordinates.SkyCoord`, optional
            One position, or any number of them; needs a radius.
        radius : Quantity, Angle or str, optional
            Radius of the cones. Bare numbers are refused.
        order_by : str, optional
            Column to sort by, under our name or the service's: ``"ra"`` or ``"meanra"``. By default a list of ids keeps
            its order, and everything else is sorted by ``oid``; of LSST, with a filter on ``lastmjd``, by that. An
            unknown name is answered with the known ones.
        order_mode : {"ASC", "DESC"}, optional
            Direction; by default ascending. Null comes last, in descending order first.
        row_limit : int, optional
            Most rows to return, for each position; by default ``conf.row_limit``, -1 for all. A cut is announced by a
            `MaxResultsWarning`.
        one_row_per_object : bool
            Of each object keep only the row of the highest probability, of equal ones the first by name of classifier
            and class. It stands where the object's first row stood, and row_limit counts objects then.
        {common}
        **filters
            Any of those below. Several oids are matched exactly, and those not found are listed in ``failures``. LSST
            knows no classifier_version; its times are TAI.

        Returns
        -------
        AnswerTable
            One row per object and classification, with ``input_index`` first if there are coordinates. Of ZTF, when a
            filter on classifications is given without a classifier and its version, an object repeats once for each
            version that matches; without such a filter the service joins a classifier version that few objects have,
            so class_name, classifier and probability are usually masked. Of LSST, an object repeats once for each
            classifier.

        Raises
        ------
        TypeError
            An unknown filter; the nearest known one is named.
        astropy.units.UnitsError
            A radius without a unit.
        ValueError
            A value outside its limits or choices.
        ServiceError
            The service failed for every input.

        Notes
        -----
        Pages are counted by their rows: the service's own words on further pages cannot be relied on. Rows of an object
        that two pages share are asked for once more. With an order of your own and a row_limit, all rows come in one
        request; with an order of your own and all rows, they are sorted here. ZTF's service drops a cone whose ra or
        dec is exactly 0: it is moved by 4 microarcseconds. LSST's own order, by probability, is not used: it is slow,
        and a filter on lastmjd is silently ignored in it.

        Other Parameters
        ----------------
        {params}
        """
        check_survey(survey, "query_objects")
        filters = _given_filters(survey, filters, coordinates, radius, order_by)
        order = order_of(survey, order_by, order_mode, filters)
        plan = self._plan(survey, coordinates, radius, filters, order, _row_limit(row_limit), one_row_per_object)
        if plan.whole and not order.key:
            raise ValueError(f"order_by={shown(order_by)} needs a row_limit, and no list of ids: no column shows it")
        asked, size = plan.first_page
        lister = Lister(self._of(survey), timeout)
        jobs = [(lister.query(values | asked, size), [index]) for index, values in enumerate(plan.starts)]
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        table, failures = self._listed(plan, lister, jobs, timeout)
        table.meta.update(self._meta([query for query, _ in jobs], survey))
        announce(len(table), failures, "objects")
        return table.with_companions(failures=failures.table())

    def query_region(self, coordinates, *, radius, **filters):
        """Objects around one or many positions.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`
            One position, or any number of them.
        radius : Quantity, Angle or str
            Radius of the cones. Bare numbers are refused.
        **filters
            Everything else that `query_objects` takes.

        Returns
        -------
        AnswerTable
            As from `query_objects`, with ``input_index`` (which position) first.
        """
        return self.query_objects(coordinates=coordinates, radius=radius, **filters)

    def _plan(self, survey, coordinates, radius, filters, order, limit, single):
        oids = self._oids(survey, filters.pop("oid", None))
        filters |= {"survey": survey} if survey == "lsst" else {}
        by_position = coordinates is not None
        if by_position or not oids or any("*" in oid for oid in oids):
            if len(oids) > _OIDS_PER_REQUEST:
                raise ValueError(f"oid takes at most {_OIDS_PER_REQUEST} ids together with coordinates")
            filters |= {"oid": oids} if oids else {}
            cones = _cones(survey, coordinates, radius) if by_position else [{}]
            inputs = [_label(cone) for cone in cones]
            return _Plan(survey, inputs, [filters | cone for cone in cones], order, limit, single, [], by_position)
        lists = chunks(oids, _OIDS_PER_REQUEST)
        inputs = [", ".join(ids) for ids in lists]
        return _Plan(survey, inputs, [filters | {"oid": ids} for ids in lists], order, limit, single, oids, False)

    def _oids(self, survey, given):
        """Checked ids, each once; none where none were given."""
        if given is None:
            return []
        param = self._of(survey).endpoints["objects"].param("oid")
        oids = list(dict.fromkeys(checked(param, [oid])[0] for oid in as_list(given)[0]))
        if not oids:
            raise ValueError("oid must hold at least one id; an empty list was given")
        if len(oids) > 1 and any("*" in oid for oid in oids):
            raise ValueError("oid may hold the wildcard * in a single id only; several are matched exactly")
        return oids

    def _listed(self, plan, lister, jobs, timeout):
        """Table of all rows that are wanted, and the failures."""
        answers, failures = lister.client.fetch_chunks(jobs, plan.inputs, timeout=timeout)
        found = {}
        for (index,), content, reply in answers:
            try:
                rows = _read(plan, lister, index, (content, reply))
                decode_table(rows, _ANSWERS[plan.survey], url=reply.url)
            except ServiceError as error:
                failures.add([index], error)
            else:
                found[index] = rows
        failures.raise_if_nothing_else()
        return _listed_ids(plan, found, failures) if plan.oids else (_listed_inputs(plan, found), failures)


def _given_filters(survey, filters, coordinates, radius, order_by):
    """Filters that were given; unknown ones, and none at all, are refused."""
    names = [param.name for param in _FILTERS[survey]]
    filters = {name: value for name, value in filters.items() if value is not None}
    if not filters and coordinates is None and order_by is None:
        raise TypeError(f"query_objects needs at least one filter: coordinates with radius, {', '.join(names)}")
    if (coordinates is None) != (radius is None):
        raise TypeError("coordinates and radius go together; only one of them was given")
    for name in set(filters) & set(_OURS):
        raise TypeError(f"query_objects takes no '{name}'; use coordinates, radius and row_limit")
    for name in set(filters) - set(names):
        near = [param.name for param in _FILTERS[survey] if param.wire == name] or get_close_matches(name, names, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise TypeError(f"query_objects takes no '{name}' of survey '{survey}'.{hint} It takes: {', '.join(names)}.")
    return filters


def _cones(survey, coordinates, radius):
    """Cones in the service's words. ZTF's ignores one whose ra or dec is exactly 0, so 0 is moved a little."""
    angle, least = to_radius(radius), _NOT_ZERO if survey == "ztf" else 0.0
    positions = np.atleast_1d(to_icrs(coordinates))
    degrees = zip(positions.ra.deg.tolist(), positions.dec.deg.tolist(), strict=True)
    return [{"ra": ra or least, "dec": dec or least, "radius": angle} for ra, dec in degrees]


def _label(cone):
    return f"{cone['ra']:.6f} {cone['dec']:+.6f}" if cone else "these filters"


def _row_limit(row_limit):
    limit = conf.row_limit if row_limit is None else row_limit
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < -1 or limit == 0:
        raise ValueError(f"row_limit must be a positive whole number, or -1 for all rows, not {shown(row_limit)}")
    return int(limit)


def _read(plan, lister, index, first):
    """Rows of one input in the order that is wanted; where there are more than wanted, at least one too many."""
    asked, size = plan.first_page
    values = plan.starts[index] | asked
    if plan.order.safe or plan.whole:
        key = asked["order_by"]
        rows = lister.paged(first, values, size, lambda rows: plan.enough(rows, key))
        rows = rows if plan.order.safe else sorted_rows(rows, plan.order.key, plan.order.mode == "DESC")
    else:
        rows, complete = lister.at_once(values, size, plan.enough, first)
        if plan.single and not complete:
            rows = _all_rows_of(keys(rows)[: plan.limit + 1], plan, lister, index)
    _check_lastmjd(rows, values, first[1].url)
    return rows


def _all_rows_of(oids, plan, lister, index):
    """Every row of these objects: the best one may stand far behind the first."""
    rows = []
    for part in chunks(oids, _OIDS_PER_REQUEST):
        values = plan.starts[index] | {"oid": part, "order_by": "oid", "order_mode": "ASC"}
        rows += lister.at_once(values, conf.page_size)[0]
    place = {oid: place for place, oid in enumerate(oids)}
    return sorted(rows, key=lambda row: place.get(row["oid"], len(place)))


def _check_lastmjd(rows, values, url):
    """A service that ignores this filter, as LSST's does in one order, must not be believed."""
    if "survey" in values and "lastmjd" in values:
        given = checked(next(param for param in lsst.OBJECTS_PARAMS if param.name == "lastmjd"), values["lastmjd"])
        least, most = (*given, np.inf)[:2]
        times = [row.get("lastmjd") for row in rows]
        if not all(least <= time <= most for time in times if isinstance(time, int | float)):
            raise ReplyError("The service ignored the filter on lastmjd.", url=url)


def _listed_inputs(plan, found):
    """One table, the rows of one input after those of another."""
    kept, places, cut = [], [], []
    for index, rows in found.items():
        rows = best_rows(rows) if plan.single else rows
        if 0 <= plan.limit < len(rows):
            cut.append(index)
            rows = rows[: plan.limit]
        kept += rows
        places += [index] * len(rows)
    if cut:
        _warn_of_cut(plan, plan.inputs[cut[0]])
    table = AnswerTable(decode_table(kept, _ANSWERS[plan.survey]), copy=False)
    if plan.by_position:
        table.add_column(np.array(places, dtype=np.int64), name="input_index", index=0)
    return table


def _listed_ids(plan, found, failures):
    """One table in the order of the ids, or the one asked for; and failures by id: failed, not found, or cut off."""
    place = {oid: place for place, oid in enumerate(plan.oids)}
    rows = [row for part in found.values() for row in part if str(row["oid"]) in place]
    if plan.order.given:
        rows = sorted_rows(rows, plan.order.key, plan.order.mode == "DESC")
    else:
        rows.sort(key=lambda row: place[str(row["oid"])])
    rows = best_rows(rows) if plan.single else rows
    there = {str(row["oid"]) for row in rows}
    if 0 <= plan.limit < len(rows):
        _warn_of_cut(plan, f"{len(plan.oids)} ids")
        rows = rows[: plan.limit]
    kept = {str(row["oid"]) for row in rows}
    by_oid = Failures(plan.oids)
    for index, oid in enumerate(plan.oids):
        if oid not in kept:
            reason = failures.errors.get(index // _OIDS_PER_REQUEST, _BEYOND if oid in there else _NOT_FOUND)
            by_oid.add([index], reason)
    return AnswerTable(decode_table(rows, _ANSWERS[plan.survey]), copy=False), by_oid


def _warn_of_cut(plan, what):
    unit = "objects" if plan.single else "rows"
    warn(f"The answer was cut at {plan.limit} {unit} for {what:.80}", MaxResultsWarning)
