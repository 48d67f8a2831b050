"""Columns of ALeRCE's TAP tables, spelled as in its TAP_SCHEMA: ``name:datatype[unit]``, ``*`` where it is indexed.

Data only (reference/alerce.md, Appendix A).
"""

__all__ = [
    "LSST_CLASSIFIER",
    "LSST_DETECTION",
    "LSST_DIA_OBJECT",
    "LSST_FORCED",
    "LSST_MEASUREMENT",
    "LSST_OBJECT",
    "LSST_PROBABILITY",
    "LSST_TAXONOMY",
    "ZTF_DETECTION",
    "ZTF_FEATURE",
    "ZTF_FORCED",
    "ZTF_MAGSTAT",
    "ZTF_NON_DETECTION",
    "ZTF_OBJECT",
    "ZTF_PROBABILITY",
    "ZTF_TAXONOMY",
]

ZTF_OBJECT = """
oid:char, corrected:boolean, deltajd:double, diffpos:boolean, firstmjd:double, g_r_max:float, g_r_max_corr:float,
g_r_mean:float, g_r_mean_corr:float, lastmjd:double, meandec:double, meanra:double, mjdendhist:double,
mjdstarthist:double, ncovhist:int, ndet:int, ndethist:int, reference_change:boolean, sigmadec:double, sigmara:double,
stellar:boolean, step_id_corr:char
"""
ZTF_DETECTION = """
oid:char, candid:long, corrected:boolean, dec:double, diffmaglim:float, distnr:float, drb:float, drbversion:char,
dubious:boolean, fid:int, has_stamp:boolean, isdiffpos:int, magap:float, magapbig:float, magpsf:float,
magpsf_corr:float, mjd:double, nid:int, parent_candid:long, pid:double, ra:double, rb:float, rbversion:char, rfid:int,
sigmagap:float, sigmagapbig:float, sigmapsf:float, sigmapsf_corr:float, sigmapsf_corr_ext:float, step_id_corr:char
"""
ZTF_NON_DETECTION = "oid:char, diffmaglim:float, fid:int, mjd:double"
ZTF_FORCED = """
oid:char, adpctdif1:float, adpctdif2:float, chinr:float, clrcoeff:float, clrcounc:float, corrected:boolean, dec:double,
decnr:double, diffmaglim:float, distnr:float, dubious:boolean, e_dec:float, e_mag:float, e_mag_corr:float,
e_mag_corr_ext:float, e_ra:float, exptime:float, fid:int, field:int, has_stamp:boolean, isdiffpos:int, mag:float,
mag_corr:float, magnr:float, magzpsci:float, magzpscirms:float, magzpsciunc:float, mjd:double, parent_candid:char,
pid:long, procstatus:char, programid:int, ra:double, ranr:double, rcid:int, rfid:long, scibckgnd:float,
sciinpseeing:float, scisigpix:float, sharpnr:float, sigmagnr:float
"""
ZTF_MAGSTAT = """
oid:char, corrected:boolean, dm_first:float, dmdt_first:float, dt_first:float, fid:int, firstmjd:double,
lastmjd:double, magfirst:float, magfirst_corr:float, maglast:float, maglast_corr:float, magmax:float,
magmax_corr:float, magmean:float, magmean_corr:float, magmedian:float, magmedian_corr:float, magmin:float,
magmin_corr:float, magsigma:float, magsigma_corr:float, ndet:int, ndubious:int, saturation_rate:double,
sigmadm_first:float, stellar:boolean, step_id_corr:char
"""
ZTF_PROBABILITY = """
oid:char, class_name:char, classifier_name:char, classifier_version:char, probability:float, ranking:int
"""
ZTF_FEATURE = "oid:char, fid:int, name:char, value:double, version:char"
ZTF_TAXONOMY = "classes:char, classifier_name:char, classifier_version:char"

LSST_OBJECT = """
oid:long*, tid:short, sid:short*, meanra:double[deg]*, meandec:double[deg]*, sigmara:double[deg], sigmadec:double[deg],
firstmjd:double[d]*, lastmjd:double[d]*, deltamjd:double[d], n_det:int*, n_forced:int, n_non_det:int,
created_date:char, updated_date:char
"""
LSST_MEASUREMENT = """
oid:long*, sid:short*, measurement_id:long*, mjd:double[d], ra:double[deg]*, dec:double[deg]*, band:short,
created_date:char
"""
LSST_DETECTION = """
oid:long*, sid:short, measurement_id:long*, parentdiasourceid:long, visit:long, detector:int, diaobjectid:long,
ssobjectid:long, raerr:float[deg], decerr:float[deg], ra_dec_cov:float[deg**2], x:float[pix], xerr:float[pix],
y:float[pix], yerr:float[pix], centroid_flag:boolean, apflux:float, apfluxerr:float, apflux_flag:boolean,
apflux_flag_aperturetruncated:boolean, isnegative:boolean, snr:float, psfflux:float, psffluxerr:float, psflnl:float,
psfchi2:float, psfndata:int, psfflux_flag:boolean, psfflux_flag_edge:boolean, psfflux_flag_nogoodpixels:boolean,
trailflux:float, trailfluxerr:float, trailra:double[deg], trailraerr:float[deg], traildec:double[deg],
traildecerr:float[deg], traillength:float[arcsec], traillengtherr:float[arcsec], trailangle:float[deg],
trailangleerr:float[deg], trailchi2:float, trailndata:int, trail_flag_edge:boolean, dipolemeanflux:float,
dipolemeanfluxerr:float, dipolefluxdiff:float, dipolefluxdifferr:float, dipolelength:float[arcsec],
dipoleangle:float[deg], dipolechi2:float, dipolendata:int, scienceflux:float, sciencefluxerr:float,
forced_psfflux_flag:boolean, forced_psfflux_flag_edge:boolean, forced_psfflux_flag_nogoodpixels:boolean,
templateflux:float, templatefluxerr:float, ixx:float[nJy.arcsec**2], iyy:float[nJy.arcsec**2],
ixy:float[nJy.arcsec**2], ixxpsf:float[nJy.arcsec**2], iyypsf:float[nJy.arcsec**2], ixypsf:float[nJy.arcsec**2],
shape_flag:boolean, shape_flag_no_pixels:boolean, shape_flag_not_contained:boolean, shape_flag_parent_source:boolean,
extendedness:float, reliability:float, isdipole:boolean, dipolefitattempted:boolean, timeprocessedmjdtai:double[d],
timewithdrawnmjdtai:double[d], bboxsize:int[pix], pixelflags:boolean, pixelflags_bad:boolean, pixelflags_cr:boolean,
pixelflags_crcenter:boolean, pixelflags_edge:boolean, pixelflags_nodata:boolean, pixelflags_nodatacenter:boolean,
pixelflags_interpolated:boolean, pixelflags_interpolatedcenter:boolean, pixelflags_offimage:boolean,
pixelflags_saturated:boolean, pixelflags_saturatedcenter:boolean, pixelflags_suspect:boolean,
pixelflags_suspectcenter:boolean, pixelflags_streak:boolean, pixelflags_streakcenter:boolean,
pixelflags_injected:boolean, pixelflags_injectedcenter:boolean, pixelflags_injected_template:boolean,
pixelflags_injected_templatecenter:boolean, glint_trail:boolean, has_stamp:boolean, created_date:char
"""
LSST_FORCED = """
oid:long*, sid:short, measurement_id:long*, visit:long, detector:int, psfflux:float, psffluxerr:float,
scienceflux:float, sciencefluxerr:float, timeprocessedmjdtai:double[d], timewithdrawnmjdtai:double[d],
created_date:char
"""
LSST_DIA_OBJECT = """
oid:long*, validitystartmjdtai:double[d], ra:double[deg]*, raerr:float[deg], dec:double[deg]*, decerr:float[deg],
ra_dec_cov:float[deg**2], u_psffluxmean:float, u_psffluxmeanerr:float, u_psffluxsigma:float, u_psffluxndata:int,
u_fpfluxmean:float, u_fpfluxmeanerr:float, g_psffluxmean:float, g_psffluxmeanerr:float, g_psffluxsigma:float,
g_psffluxndata:int, g_fpfluxmean:float, g_fpfluxmeanerr:float, r_psffluxmean:float, r_psffluxmeanerr:float,
r_psffluxsigma:float, r_psffluxndata:int, r_fpfluxmean:float, r_fpfluxmeanerr:float, i_psffluxmean:float,
i_psffluxmeanerr:float, i_psffluxsigma:float, i_psffluxndata:int, i_fpfluxmean:float, i_fpfluxmeanerr:float,
z_psffluxmean:float, z_psffluxmeanerr:float, z_psffluxsigma:float, z_psffluxndata:int, z_fpfluxmean:float,
z_fpfluxmeanerr:float, y_psffluxmean:float, y_psffluxmeanerr:float, y_psffluxsigma:float, y_psffluxndata:int,
y_fpfluxmean:float, y_fpfluxmeanerr:float, u_sciencefluxmean:float, u_sciencefluxmeanerr:float,
g_sciencefluxmean:float, g_sciencefluxmeanerr:float, r_sciencefluxmean:float, r_sciencefluxmeanerr:float,
i_sciencefluxmean:float, i_sciencefluxmeanerr:float, z_sciencefluxmean:float, z_sciencefluxmeanerr:float,
y_sciencefluxmean:float, y_sciencefluxmeanerr:float, u_psffluxmin:float, u_psffluxmax:float,
u_psffluxmaxslope:float[nJy/d], u_psffluxerrmean:float, g_psffluxmin:float, g_psffluxmax:float,
g_psffluxmaxslope:float[nJy/d], g_psffluxerrmean:float, r_psffluxmin:float, r_psffluxmax:float,
r_psffluxmaxslope:float[nJy/d], r_psffluxerrmean:float, i_psffluxmin:float, i_psffluxmax:float,
i_psffluxmaxslope:float[nJy/d], i_psffluxerrmean:float, z_psffluxmin:float, z_psffluxmax:float,
z_psffluxmaxslope:float[nJy/d], z_psffluxerrmean:float, y_psffluxmin:float, y_psffluxmax:float,
y_psffluxmaxslope:float[nJy/d], y_psffluxerrmean:float, firstdiasourcemjdtai:double[d], lastdiasourcemjdtai:double[d],
ndiasources:int, created_date:char
"""
LSST_PROBABILITY = """
class_id:short*, oid:long*, sid:short*, classifier_id:short*, classifier_version:short*, probability:float*,
ranking:short*, lastmjd:double[d]
"""
# Their columns are not recorded; these are the ones of ALeRCE's published database schema.
LSST_CLASSIFIER = "classifier_id:short*, classifier_name:char, classifier_version:char"
LSST_TAXONOMY = "class_id:short*, class_name:char, order:short, classifier_id:short*"
