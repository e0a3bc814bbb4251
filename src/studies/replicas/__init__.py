"""Published experiments: what their texts print, the runs that are to come to the same, and what these came to."""
