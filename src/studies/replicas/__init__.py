"""Replicas: published experiments, trained again to compare our results with the numbers that their texts print."""
