"""What an archive does with ZVAR's own answers; and the number that stands for all that it holds."""

import numpy as np

from alerce_zvar.archive.content import content_hash
from alerce_zvar.archive.database import Database
from alerce_zvar.archive.merge import MATCH_RADIUS, radius_in_arcsec
from alerce_zvar.archive.zvar_import import store_photometry, store_sources

__all__ = ["ZvarArchive"]


class ZvarArchive(Database):
    """The answers of ZVAR in an `Archive`."""

    def import_zvar(self, *, sources=None, mag=None, flux=None, radius=MATCH_RADIUS):
        """Store ZVAR's own answers, exactly; the local server gives them back as they were.

        Parameters
        ----------
        sources : `~alerce_zvar.zvar.core.SourceTable`, optional
            From `Zvar.query_objects` or `Zvar.query_region`, with light curves and periods of the sources.
        mag, flux : `~alerce_zvar.lightcurves.LightCurves`, optional
            From `Zvar.get_lightcurves`, in the formats ``"mag"`` and ``"flux"``: both, of the same sources and bands.
        radius : `~astropy.units.Quantity`
            A source that is there for an object of ALeRCE only, closer than this, becomes ZVAR's source.

        Raises
        ------
        ArchiveError
            Light curves of a source that the archive does not hold, or whose two formats differ in more than that.
        ValueError
            Only one of the formats, or a column that is missing.

        Notes
        -----
        What is told again replaces what was told. Sources keep their psid and the position in single precision that
        the service gives; beside light curves of one's own at the same place they stay sources of their own, which keep
        their statistics and periods.
        """
        if (mag is None) != (flux is None):
            raise ValueError("mag and flux: light curves in both formats are needed, or none.")
        with self._importing(), self.transaction():
            if sources is not None:
                store_sources(self.write, sources, radius_in_arcsec(radius))
            if mag is not None:
                store_photometry(self.write, mag, flux, flux.ids, np.unique(np.asarray(flux.data["band"], dtype=str)))

    def content_hash(self):
        """Digest of all that the archive holds: the same content has the same, in whatever order its rows came.

        Taken over the values of every row of every table, catalogues included, in shortest decimal form. Left out is
        how they came to be there: bookkeeping of downloads and of searches for periods, and our own row numbers.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return content_hash(self.query)
