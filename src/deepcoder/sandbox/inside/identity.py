"""Who a program is."""

INSIDE_ID = 1000  # what a program sees as its uid and gid
OUTSIDE_ID = 61_771  # what it is on the host where the host runs as root: nobody's
