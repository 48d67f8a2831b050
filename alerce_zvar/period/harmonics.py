"""The Fourier model of a periodic star: its shape, its levels, its epochs, and what is left without it.

::

    m(t) = level + sum_k A_k cos(2 pi k phase + phi_k)          phase = (t - epoch_time) / period
    R_k1 = A_k / A_1          phi_k1 = phi_k - k phi_1

in cosines, as Simon & Lee 1981 (ApJ 248, 291), whose R_21, phi_21, R_31, phi_31 are those of magnitudes. With sines
phi_k1 is smaller by (k - 1) pi/2; of fluxes, which rise where magnitudes fall, phi_k1 of even k differs by pi.
"""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.utils.masked import Masked
from scipy.optimize import minimize_scalar

from alerce_zvar.errors import shown
from alerce_zvar.folding import band_names, numbers, phase, value_names
from alerce_zvar.period.epoch import Extremum, check_kind, time_near
from alerce_zvar.period.prepare import Series, group_labels

__all__ = ["FourierModel"]

_ALL = "all"
_PHASES = 4096  # where an extremum is looked for before it is refined


@dataclass(frozen=True, eq=False, repr=False)
class FourierModel:
    """A Fourier series with a level per group, fitted to a light curve at a period by `fit_fourier`.

    Standard errors are those of linear least squares at a fixed period, with the errors of the light curve scaled so
    that chi2 is the number of degrees of freedom; NaN or infinite where an amplitude of exactly 0 leaves them
    undefined. Models pickle; their tables can be written as ECSV.

    Attributes
    ----------
    period : `~astropy.units.Quantity`
        Period.
    epoch_time : `~astropy.time.Time`
        Time of phase 0.
    nterms : int
        Number of harmonics.
    per_band : bool
        Each band has a shape of its own.
    bic : float
        Bayesian information criterion, ``N ln(chi2 / N) + parameters ln N`` (Schwarz 1978, Ann. Statist. 6, 461).
    series, fits, covariances, level, level_err
        The prepared observations; per shape the coefficients and their covariance; per group its level and standard
        error: plain numbers.
    """

    period: u.Quantity
    epoch_time: Time
    nterms: int
    per_band: bool
    bic: float
    series: Series
    fits: tuple
    covariances: tuple
    level: np.ndarray
    level_err: np.ndarray

    @property
    def column(self):
        """What was fitted: ``"mag"`` or ``"flux"``."""
        return self.series.column

    @property
    def bands(self):
        """Bands that took part, a tuple of str; empty where the light curve has none."""
        return self.series.bands

    @property
    def chi2(self):
        """Weighted sum of the squared residuals."""
        return sum(fit.chi2 for fit in self.fits)

    @property
    def degrees_of_freedom(self):
        """Number of observations less that of levels and coefficients."""
        return len(self.series.time) - len(self.series.groups) - 2 * self.nterms * len(self.fits)

    @property
    def scatter(self):
        """Weighted root mean square of the residuals, a Quantity."""
        return np.sqrt(self.chi2 / np.sum(self.series.error**-2.0)) << self.series.unit

    @property
    def levels(self):
        """Mean level of each group: a QTable of ``group``, ``band``, ``n``, ``level`` and ``level_err``.

        It is the constant of the series, the mean over the phase and not over the observations. Group and band are
        ``"all"`` where the light curve has none.
        """
        series = self.series
        first = np.unique(series.group, return_index=True)[1]
        bands = np.array(series.bands or [_ALL])[series.band[first]]
        columns = {"group": [name or _ALL for name in series.groups], "band": bands, "n": list(series.groups.values())}
        level, level_err = self.level << series.unit, self.level_err << series.unit
        return QTable({**columns, "level": level, "level_err": level_err})

    @property
    def harmonics(self):
        """A QTable of ``band``, ``k``, ``amplitude``, ``phase`` [rad] and their errors, one row per band and harmonic.

        Amplitudes are half of what lies between top and bottom; phases are those of cosines, 0 to 2 pi, at
        `epoch_time`. `band` is ``"all"`` where all share one shape.
        """
        rows = [row for number in range(len(self.fits)) for row in zip(*self._polar(number), strict=True)]
        names = [band for band in self._shape_names() for _ in range(self.nterms)]
        amplitude, amplitude_err, angle, angle_err = np.array(rows).T
        unit = self.series.unit
        return QTable(
            {
                "band": names,
                "k": np.tile(np.arange(1, self.nterms + 1), len(self.fits)),
                "amplitude": amplitude << unit,
                "amplitude_err": amplitude_err << unit,
                "phase": angle << u.rad,
                "phase_err": angle_err << u.rad,
            }
        )

    @property
    def ratios(self):
        """A QTable of ``band``, ``k``, ``ratio`` R_k1, ``phi`` phi_k1 [rad, 0 to 2 pi] and their errors, from k = 2."""
        rows = [
            (band, k, *self._ratio(number, k))
            for number, band in enumerate(self._shape_names())
            for k in range(2, self.nterms + 1)
        ]
        names = ("band", "k", "ratio", "ratio_err", "phi", "phi_err")
        kinds = (str, int, float, float, float, float)
        table = QTable(rows=rows or None, names=names, dtype=kinds)
        for name in ("phi", "phi_err"):
            table[name] = table[name] << u.rad
        return table

    def evaluate(self, time, *, band=None):
        """The model at some times.

        Parameters
        ----------
        time : `~astropy.time.Time`
            Times.
        band : str, optional
            Band whose level and shape to use; needed where there are several.

        Returns
        -------
        `~astropy.units.Quantity`
            Same shape as `time`.

        Raises
        ------
        TypeError
            `time` is no Time.
        ValueError
            There is no such band, or there are several and none was given.
        """
        if not isinstance(time, Time):
            raise TypeError(f"time must be an astropy Time, not {shown(time)}; for phases there is evaluate_phase")
        return self.evaluate_phase(phase(time, self.period, self.epoch_time), band=band)

    def evaluate_phase(self, phases, *, band=None):
        """The model at some phases.

        Parameters
        ----------
        phases : array_like of float
            Phases (cycles since `epoch_time`).
        band : str, optional
            As for `evaluate`.

        Returns
        -------
        `~astropy.units.Quantity`
            Same shape as `phases`.

        Raises
        ------
        ValueError
            As for `evaluate`.
        """
        levels = self.levels
        rows = levels["band"] == self._one_band(band)
        level = np.average(self.level[rows], weights=levels["n"][rows])
        return level + self._wave(np.asarray(phases, dtype=float), self._shape(band)) << self.series.unit

    def residuals(self, light_curve):
        """What a light curve differs from the model by, each group from its own level.

        Parameters
        ----------
        light_curve : `~astropy.timeseries.TimeSeries`
            The light curve that was fitted, or another one of the same groups.

        Returns
        -------
        `~astropy.timeseries.TimeSeries`
            Its columns with observed - model in the fitted one. Rows of groups that have no level in the model, and
            the column that was not fitted (flux beside mag), are left out; what is masked stays masked.

        Raises
        ------
        TypeError
            `light_curve` is not one light curve.
        ValueError
            It lacks the fitted column, or shares no group with the model.
        """
        return self._without(light_curve, level=True)

    def subtract(self, light_curve):
        """A light curve less the waves of the model, its levels kept: prewhitened.

        Parameters
        ----------
        light_curve : `~astropy.timeseries.TimeSeries`
            As for `residuals`.

        Returns
        -------
        `~astropy.timeseries.TimeSeries`
            As for `residuals`.

        Raises
        ------
        TypeError
            As for `residuals`.
        ValueError
            As for `residuals`.
        """
        return self._without(light_curve, level=False)

    def extremum(self, *, kind="maximum", band=None, near=None):
        """When the model is brightest or faintest.

        Parameters
        ----------
        kind : {"maximum", "minimum"}
            Of light: a maximum is where magnitudes are least.
        band : str, optional
            Band, where each has a shape of its own.
        near : `~astropy.time.Time`, optional
            Take the one next to this time; by default to the weighted mean time of the observations, where it is best
            known.

        Returns
        -------
        Extremum

        Raises
        ------
        TypeError
            `near` is no Time.
        ValueError
            `kind` is unknown, or `band` is needed.
        """
        check_kind(kind)
        number = self._shape(band)
        fit, covariance = self.fits[number], self.covariances[number]
        at = _lowest(fit, 1 if (kind == "maximum") == (self.column == "mag") else -1)
        turns = 2 * np.pi * np.repeat(np.arange(1, self.nterms + 1), 2)
        waves = fit.harmonics(at / fit.frequency)
        slope = turns * np.stack([waves[1::2], -waves[0::2]], axis=-1).ravel()
        with np.errstate(divide="ignore", invalid="ignore"):  # a flat model
            error = np.sqrt(slope @ covariance @ slope) / abs(turns**2 * waves @ fit.coefficients)
        time = time_near(self.series, fit.frequency, at, near)
        place = float(np.mod(at + self._start_phase(), 1.0))
        return Extremum(time, error / fit.frequency * u.day, place, float(error), kind, "fourier")

    def __repr__(self):
        shapes = f"{self.nterms} harmonics" + (f" in each of {len(self.fits)} bands" if self.per_band else "")
        return (
            f"<FourierModel: period={self.period:.8g}, {shapes}, {self.column} of {len(self.series.time)} points in "
            f"{len(self.series.groups)} groups ({', '.join(self.bands) or 'no bands'}), scatter={self.scatter:.3g}>"
        )

    def _shape_names(self):
        return list(self.bands) if self.per_band and self.bands else [_ALL]

    def _one_band(self, band):
        """Band to use."""
        if band is None and len(self.bands) < 2:
            return self.bands[0] if self.bands else _ALL
        if band not in self.bands:
            raise ValueError(f"band must be one of {list(self.bands)}, not {shown(band)}")
        return band

    def _shape(self, band):
        """Number of the shape to use."""
        if band is None and len(self.fits) == 1:
            return 0
        return self.bands.index(self._one_band(band)) if len(self.fits) > 1 else 0

    def _start_phase(self):
        """Phase of the first observation, at which the phases of the fits begin."""
        return float(phase(self.series.start, self.period, self.epoch_time))

    def _wave(self, phases, number):
        return self.fits[number](phases - self._start_phase())

    def _polar(self, number):
        """Amplitudes, phases and their errors, of one shape."""
        sines, cosines = self.fits[number].coefficients.reshape(-1, 2).T
        amplitude = np.hypot(sines, cosines)
        angle = np.arctan2(-sines, cosines) - 2 * np.pi * np.arange(1, self.nterms + 1) * self._start_phase()
        to_amplitude, to_angle = self._gradients(number)
        errors = [_errors(gradient, self.covariances[number]) for gradient in (to_amplitude, to_angle)]
        return amplitude, errors[0], np.mod(angle, 2 * np.pi), errors[1]

    def _gradients(self, number):
        """Derivatives of amplitudes and of phases by the coefficients; two arrays of shape (nterms, 2 nterms)."""
        sines, cosines = self.fits[number].coefficients.reshape(-1, 2).T
        to_amplitude, to_angle = np.zeros((2, self.nterms, 2 * self.nterms))
        k, amplitude = np.arange(self.nterms), np.hypot(sines, cosines)
        with np.errstate(divide="ignore", invalid="ignore"):
            to_amplitude[k, 2 * k], to_amplitude[k, 2 * k + 1] = sines / amplitude, cosines / amplitude
            to_angle[k, 2 * k], to_angle[k, 2 * k + 1] = -cosines / amplitude**2, sines / amplitude**2
        return to_amplitude, to_angle

    def _ratio(self, number, k):
        """R_k1, its error, phi_k1 and its error."""
        amplitude, _, angle, _ = self._polar(number)
        to_amplitude, to_angle = self._gradients(number)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = amplitude[k - 1] / amplitude[0]
            to_ratio = (to_amplitude[k - 1] - ratio * to_amplitude[0]) / amplitude[0]
        errors = _errors(np.stack([to_ratio, to_angle[k - 1] - k * to_angle[0]]), self.covariances[number])
        return ratio, errors[0], np.mod(angle[k - 1] - k * angle[0], 2 * np.pi), errors[1]

    def _without(self, light_curve, *, level):
        names = getattr(light_curve, "colnames", ())
        if "time" not in names or not isinstance(light_curve["time"], Time):
            raise TypeError(f"light_curve must be one light curve, such as a TimeSeries, not {shown(light_curve)}")
        if self.column not in names:
            raise ValueError(f"the model is of '{self.column}', which the light curve lacks; it has {', '.join(names)}")
        known, labels = list(self.series.groups), group_labels(light_curve)
        rows = np.isin(labels, known)
        if not rows.any():
            raise ValueError(f"the light curve has none of the model's groups {known}")
        left = light_curve[rows]
        wave = self._of_rows(left)
        if level:
            wave += self.level[np.searchsorted(known, labels[rows])]
        column, unit = left[self.column], self.series.unit
        mask = np.asarray(getattr(column, "mask", False)) | left["time"].mask
        values = (numbers(column, unit) - wave) << unit
        left[self.column] = Masked(values, mask) if np.any(mask) else values
        others = [name for name in value_names(left) if name != self.column]
        left.remove_columns([name for other in others for name in (other, f"{other}_err") if name in left.colnames])
        return left

    def _of_rows(self, light_curve):
        """Sum of the harmonics at each row."""
        phases = phase(light_curve["time"], self.period, self.epoch_time)
        if len(self.fits) == 1:
            return self._wave(phases, 0)
        return np.choose(
            np.searchsorted(self.bands, band_names(light_curve)),
            [self._wave(phases, number) for number in range(len(self.fits))],
        )


def _errors(gradient, covariance):
    return np.sqrt(np.sum(gradient @ covariance * gradient, axis=1))


def _lowest(fit, sign):
    """Phase at which a fit, times the sign, is lowest."""
    phases = np.arange(_PHASES) / _PHASES
    near = phases[np.argmin(sign * fit(phases))]
    found = minimize_scalar(
        lambda at: sign * float(fit(at)),
        bounds=(near - 1 / _PHASES, near + 1 / _PHASES),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(found.x)
