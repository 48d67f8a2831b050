"""Pages for people: a search, one page for each object with its light curves, and what the server answers.

::

    address ──► form (checked) ──► search ──► table, sky plot        /
            └─► id ──► source of the archive ──► sections of a page   /object/<id>

They show what the services' endpoints answer, from the same handlers. Everything is served from here, under a policy
that lets a browser load nothing else; without scripts all but the explorer works.
"""
