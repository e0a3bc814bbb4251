"""Reports and their pages, and tables and progress lines for terminals. What a report shows is passed in."""
