"""What every room stands on: errors, whole files, locks, arrays in sealed files, typed values."""
