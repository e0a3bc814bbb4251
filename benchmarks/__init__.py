"""Benchmarks: how long an epoch takes, beside its matrix products alone and beside other libraries."""
