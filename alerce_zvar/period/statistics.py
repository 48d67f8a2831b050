"""What the height and the width of a peak mean: false-alarm probability and error of the frequency."""

from math import factorial

import numpy as np
from scipy.special import betainc, gammaln

from alerce_zvar.period.fourier import centre

__all__ = ["false_alarm_probability", "frequency_error"]


def false_alarm_probability(power, *, bandwidth, time, error, n_parameters, nterms):
    """Probability that noise alone makes a peak at least this high somewhere in the band; an upper limit.

    The Davies bound of Baluev 2008 (MNRAS 385, 1279) for one harmonic, and with his multi-harmonic factor (2009, MNRAS
    395, 1541) for several::

        FAP = 1 - (1 - FAP_1) exp(-tau)          FAP_1 = P(Beta(n, K/2) > z)
        tau = W a_n G z^(n - 1/2) (1 - z)^((K - 1)/2)         K = N - n_parameters - 2n
        W   = bandwidth sqrt(4 pi var t)         G = Gamma(n + K/2) / Gamma((K + 1)/2)
        a_n = 2^n / (2n - 1)!!  sum_k (-1)^(n - k) k^(2n + 1) / ((n + k)! (n - k)!)

    for white Gaussian noise whose level is found from the data. Gaps in the cadence only make the true probability
    smaller.

    Parameters
    ----------
    power : float
        Standard-normalised power z of the highest peak.
    bandwidth : float
        Width of the searched band [1/day].
    time, error : ndarray of float
        Observations [day] and their standard errors.
    n_parameters : int
        Constants that were fitted or taken away beside the harmonics.
    nterms : int
        Number of harmonics n.

    Returns
    -------
    float
        0 to 1; exactly 0 below the smallest number.
    """
    rest = len(time) - n_parameters - 2 * nterms
    if rest <= 0:
        return 1.0
    single = betainc(rest / 2, nterms, 1.0 - power)
    log_gamma = gammaln(nterms + rest / 2) - gammaln((rest + 1) / 2)
    with np.errstate(divide="ignore"):
        log_shape = (nterms - 0.5) * np.log(power) + (rest - 1) / 2 * np.log1p(-power)
    width = bandwidth * np.sqrt(4 * np.pi * np.cov(time, aweights=error**-2.0, ddof=0))
    tau = width * _harmonic_factor(nterms) * np.exp(log_gamma + log_shape)
    return float(-np.expm1(np.log1p(-single) - tau))


def _harmonic_factor(nterms):
    """The factor a_n; 1 for a single harmonic."""
    odd = factorial(2 * nterms) // (2**nterms * factorial(nterms))  # (2n - 1)!!
    terms = (
        (-1) ** (nterms - k) * k ** (2 * nterms + 1) / (factorial(nterms + k) * factorial(nterms - k))
        for k in range(1, nterms + 1)
    )
    return 2**nterms / odd * sum(terms)


def frequency_error(series, fit):
    """Standard error of a fitted frequency [1/day].

    ::

        sigma_f^2 = s^2 / |r|^2         s^2 = chi2 / (N - parameters)

    where r is the derivative of the model by the frequency, over the errors, less all of it that the harmonics and the
    levels of the groups could do as well: the linear approximation of least squares with everything free. For even
    sampling, equal errors and one harmonic it is sqrt(6/N) sigma / (pi T A), eq. 4 of Montgomery & O'Donoghue 1999
    (Delta Scuti Star Newsletter 13, 28). The errors of the light curve are scaled by s, so that underestimated ones and
    a shape that the harmonics do not follow widen the result. A wrong alias is not covered.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    fit : `~alerce_zvar.period.fourier.FourierFit`
        Best fit.

    Returns
    -------
    float
        NaN where there are no more observations than parameters.
    """
    rest = len(series.time) - len(fit.coefficients) - len(series.groups) - 1
    if rest <= 0:
        return float("nan")
    columns = np.column_stack([fit.slope(series.time), fit.harmonics(series.time)])
    columns = centre(columns, series.error, series.group) / series.error[:, None]
    slope, matrix = columns[:, 0], columns[:, 1:]
    left = slope - matrix @ np.linalg.lstsq(matrix, slope)[0]
    size = left @ left
    return float(np.sqrt(fit.chi2 / rest / size)) if size > 0 else float("nan")
