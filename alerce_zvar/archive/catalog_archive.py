"""What an archive does with catalogues of others."""

from astropy.coordinates import SkyCoord

from alerce_zvar.archive import catalogs
from alerce_zvar.archive.database import Database
from alerce_zvar.wire.query import to_radius

__all__ = ["CatalogArchive"]


class CatalogArchive(Database):
    """The catalogues beside the sources of an `Archive`."""

    def import_catalog(self, name, table, *, ra="ra", dec="dec", description=""):
        """Store a catalogue, in the place of one of the same name; the local server answers from it as catsHTM does.

        Parameters
        ----------
        name : str
            Name, in any case the same. That of a catalogue of catsHTM, such as ``"GAIADR2"``, makes it that one.
        table : `~astropy.table.Table`
            Any columns of numbers, texts, truth values or `~astropy.time.Time`, one value in a row. Whole numbers are
            exact; masked values and NaN are null. Times are kept as MJD, which rounds them to a microsecond.
        ra, dec : str
            Columns of position (ICRS): degrees, or angles with a unit. A row without is kept, and never found by one.
        description : str
            One line for people.

        Returns
        -------
        int
            Number of rows.

        Raises
        ------
        ValueError, TypeError
            A name, or a column, that cannot be used; nothing is changed then.
        """
        return catalogs.import_catalog(self, name, table, ra=ra, dec=dec, description=description)

    def catalogs(self):
        """Table of all catalogues: name, rows, columns, ra and dec (their columns of position), table, description."""
        return catalogs.catalog_list(self.query)

    def catalog(self, name):
        """Catalogue as it was imported.

        Parameters
        ----------
        name : str
            Its name, in any case.

        Returns
        -------
        `~astropy.table.Table`
            All rows in their order, with units, descriptions and masks.

        Raises
        ------
        ArchiveError
            There is no such catalogue.
        """
        return catalogs.read(self.query, catalogs.stored_catalog(self.query, name))

    def search_catalog(self, name, coordinates, *, radius, nearest=False):
        """Sources of a catalogue around positions.

        Parameters
        ----------
        name : str
            Catalogue.
        coordinates : `~astropy.coordinates.SkyCoord`
            One position, or any number of them.
        radius : Quantity, Angle or str
            Of the cones. Bare numbers are refused.
        nearest : bool
            Only the nearest source of each position.

        Returns
        -------
        `~astropy.table.Table`
            ``input_index`` (which position), ``separation`` [arcsec] and the columns of the catalogue, in the order of
            the positions, nearest first.

        Raises
        ------
        ArchiveError
            There is no such catalogue.
        TypeError
            Coordinates that are none.
        ValueError
            A radius that is not one positive angle.
        astropy.units.UnitsError
            A radius without a unit.
        """
        if not isinstance(coordinates, SkyCoord):
            raise TypeError(f"coordinates: a SkyCoord is needed, {type(coordinates).__name__} was given.")
        arcsec = to_radius(radius).arcsec
        catalog = catalogs.stored_catalog(self.query, name)
        return catalogs.match(self.query, catalog, coordinates, arcsec, nearest=nearest)
