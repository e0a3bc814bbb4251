"""Numbers about runs and studies: statistics, calibration, summaries and verdicts. No drawing."""
