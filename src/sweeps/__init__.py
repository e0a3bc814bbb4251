"""Starting runs: one that a person watches, or the jobs of a sweep."""
