"""Health: finds and repairs what killed processes, full disks and flipped bits leave in a checkout."""
