"""The configuration: one typed tree of all settings, and the bridge to Hydra."""
