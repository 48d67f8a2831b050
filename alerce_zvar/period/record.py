"""What every record of a period search tells: the observations that took part, and the grid."""

from astropy import units as u

__all__ = ["Searched"]


class Searched:
    """Properties of a record that has `series` and `grid`."""

    @property
    def minimum_frequency(self):
        """First frequency of the grid, a Quantity [1/d]."""
        return self.grid.minimum / u.day

    @property
    def maximum_frequency(self):
        """Last frequency of the grid, a Quantity [1/d]."""
        return self.grid.maximum / u.day

    @property
    def frequency_step(self):
        """Step of the grid, a Quantity [1/d]."""
        return self.grid.step / u.day

    @property
    def n_frequencies(self):
        """Length of the grid."""
        return self.grid.number

    @property
    def column(self):
        """What was searched: ``"mag"`` or ``"flux"``."""
        return self.series.column

    @property
    def bands(self):
        """Bands that took part, a tuple of str."""
        return self.series.bands

    @property
    def groups(self):
        """Number of points per group, such as ``{"field=683 ccd=8 quad=2 band=g": 211}``."""
        return dict(self.series.groups)

    @property
    def n_points(self):
        """Number of rows used."""
        return len(self.series.time)

    @property
    def n_dropped(self):
        """Number of rows left out: unusable ones, and those of bands that were not asked for."""
        return self.series.n_dropped

    @property
    def baseline(self):
        """Time between the first and the last observation, a Quantity [d]."""
        return self.series.baseline * u.day

    def _observed(self):
        """Words on the observations and the grid, for a repr."""
        return (
            f"{self.column} of {self.n_points} points in {len(self.groups)} groups "
            f"({', '.join(self.bands) or 'no bands'}), {self.n_frequencies} frequencies {self.grid.minimum:.6g} to "
            f"{self.grid.maximum:.6g} 1/d"
        )
