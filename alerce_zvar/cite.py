"""What to cite for work done with this package, as BibTeX."""

__all__ = ["__citation__"]

__citation__ = """\
@software{alerce_zvar,
    author = {{alerce\\_zvar developers}},
    title = {alerce\\_zvar: light curves and periods from ALeRCE and ZVAR, the Astropy way},
    year = {2026},
    license = {BSD-3-Clause}
}

@article{2021AJ....161..242F,
    author = {{F{\\"o}rster}, F. and {Cabrera-Vives}, G. and {Castillo-Navarrete}, E. and others},
    title = {{The Automatic Learning for the Rapid Classification of Events (ALeRCE) Alert Broker}},
    journal = {The Astronomical Journal},
    year = {2021},
    volume = {161},
    number = {5},
    pages = {242},
    doi = {10.3847/1538-3881/abe9bc}
}

@article{2019PASP..131a8002B,
    author = {{Bellm}, E. C. and {Kulkarni}, S. R. and {Graham}, M. J. and others},
    title = {{The Zwicky Transient Facility: System Overview, Performance, and First Results}},
    journal = {Publications of the Astronomical Society of the Pacific},
    year = {2019},
    volume = {131},
    number = {995},
    pages = {018002},
    doi = {10.1088/1538-3873/aaecbe}
}

@article{2019PASP..131g8001G,
    author = {{Graham}, M. J. and {Kulkarni}, S. R. and {Bellm}, E. C. and others},
    title = {{The Zwicky Transient Facility: Science Objectives}},
    journal = {Publications of the Astronomical Society of the Pacific},
    year = {2019},
    volume = {131},
    number = {1001},
    pages = {078001},
    doi = {10.1088/1538-3873/ab006c}
}

@article{2019PASP..131a8003M,
    author = {{Masci}, F. J. and {Laher}, R. R. and {Rusholme}, B. and others},
    title = {{The Zwicky Transient Facility: Data Processing, Products, and Archive}},
    journal = {Publications of the Astronomical Society of the Pacific},
    year = {2019},
    volume = {131},
    number = {995},
    pages = {018003},
    doi = {10.1088/1538-3873/aae8ac}
}

@article{2019ApJ...873..111I,
    author = {{Ivezi{\\'c}}, {\\v Z}. and {Kahn}, S. M. and {Tyson}, J. A. and others},
    title = {{LSST: From Science Drivers to Reference Design and Anticipated Data Products}},
    journal = {The Astrophysical Journal},
    year = {2019},
    volume = {873},
    number = {2},
    pages = {111},
    doi = {10.3847/1538-4357/ab042c}
}

@article{2018PASP..130g5002S,
    author = {{Soumagnac}, M. T. and {Ofek}, E. O.},
    title = {{catsHTM: A Tool for Fast Accessing and Cross-matching Large Astronomical Catalogs}},
    journal = {Publications of the Astronomical Society of the Pacific},
    year = {2018},
    volume = {130},
    number = {989},
    pages = {075002},
    doi = {10.1088/1538-3873/aac410}
}

@article{2025arXiv250200243F,
    author = {{Finkbeiner}, D. P. and {Prince}, T. A. and {Whitebook}, S. E.},
    title = {{A Fast Periodicity Detection Algorithm Sensitive to Arbitrary Waveforms}},
    journal = {arXiv e-prints},
    year = {2025},
    eprint = {2502.00243},
    archivePrefix = {arXiv},
    doi = {10.48550/arXiv.2502.00243}
}

@article{2024RNAAS...8..250G,
    author = {{Garrison}, L. H. and {Foreman-Mackey}, D. and {Shih}, Y. and {Barnett}, A.},
    title = {{nifty-ls: Fast and Accurate Lomb-Scargle Periodograms Using a Non-uniform FFT}},
    journal = {Research Notes of the American Astronomical Society},
    year = {2024},
    volume = {8},
    number = {10},
    pages = {250},
    doi = {10.3847/2515-5172/ad82cd}
}

@article{2022ApJ...935..167A,
    author = {{Astropy Collaboration} and {Price-Whelan}, A. M. and {Lim}, P. L. and others},
    title = {{The Astropy Project: Sustaining and Growing a Community-oriented Open-source Project and the Latest Major
             Release (v5.0) of the Core Package}},
    journal = {The Astrophysical Journal},
    year = {2022},
    volume = {935},
    number = {2},
    pages = {167},
    doi = {10.3847/1538-4357/ac7c74}
}

@article{2019AJ....157...98G,
    author = {{Ginsburg}, A. and {Sip{\\H o}cz}, B. M. and {Brasseur}, C. E. and others},
    title = {{astroquery: An Astronomical Web-querying Package in Python}},
    journal = {The Astronomical Journal},
    year = {2019},
    volume = {157},
    number = {3},
    pages = {98},
    doi = {10.3847/1538-3881/aafc33}
}
"""
