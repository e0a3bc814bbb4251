"""What every room uses: errors, whole files, locks, arrays in sealed files, typed values."""
