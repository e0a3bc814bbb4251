"""Benchmarks: how long an epoch takes, compared with its matrix products alone and with other libraries."""
