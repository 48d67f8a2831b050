"""What an archive does with periods."""

from alerce_zvar.archive import periods
from alerce_zvar.archive.database import Database
from alerce_zvar.period.fpw_search import LONGEST_PERIOD, N_BINS
from alerce_zvar.period.grid import SHORTEST_PERIOD

__all__ = ["PeriodArchive"]


class PeriodArchive(Database):
    """The periods of the light curves of an `Archive`."""

    def add_periods(self, table):
        """Store periods; those of the same light curve and number of bins are replaced.

        Parameters
        ----------
        table : `~astropy.table.Table`
            ``psid`` and the columns of `alerce_zvar.zvar.schema.PERIODS`.

        Raises
        ------
        ValueError
            A source that the archive does not hold.
        """
        periods.add_periods(self, table)

    def compute_periods(
        self,
        *,
        psids=None,
        n_bins=N_BINS,
        minimum_period=SHORTEST_PERIOD,
        maximum_period=LONGEST_PERIOD,
        workers=None,
        recompute=False,
        progress=None,
    ):
        """What a search for periods did: FPW in every light curve (field, CCD, quadrant and band of a source) alone.

        The periods found, each with significance and string length, are what the local server then gives. A run that
        was cut off, even by ``kill -9``, goes on where it was when it is called again.

        Parameters
        ----------
        psids : str, int or iterable of them, optional
            Sources; by default all.
        n_bins : int or sequence of int
            Numbers of phase bins: one period each.
        minimum_period, maximum_period : `~astropy.units.Quantity`
            Range of the search; never beyond half of the time that a light curve spans.
        workers : int, optional
            Threads; by default one for each core.
        recompute : bool
            Also search again what is known, and replace periods that were stored by `add_periods`. Otherwise those are
            left alone, and a light curve is searched again only if it has new epochs or was searched in another range.
        progress : callable, optional
            Called as ``progress(done, total, what)``.

        Returns
        -------
        PeriodReport

        Raises
        ------
        ArchiveError
            The archive is open for reading only, or cannot be written.
        astropy.units.UnitsError
            A period has no unit of time.
        ValueError
            A parameter cannot be used, or a source that the archive does not hold.

        Notes
        -----
        Searched are the fluxes of all epochs that are not bad, at least 1.5 for each bin, on the grid and with the
        significance of `alerce_zvar.period.fpw`; the string length is that of the magnitudes of the detections
        (`alerce_zvar.period.string_length`). A light curve of 500 epochs over 6 years takes about a second of one core
        with the extra ``fast``, and some fifteen seconds without.
        """
        periods_asked = (minimum_period, maximum_period)
        return periods.compute_periods(self, psids, n_bins, periods_asked, workers, recompute, progress or _silent)


def _silent(done, total, what):
    """No progress is told."""
