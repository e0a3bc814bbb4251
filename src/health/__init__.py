"""Health: what killed processes, full disks and flipped bits leave in a checkout, and what mends it."""
