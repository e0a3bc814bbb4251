"""The configuration: one typed tree of everything that a user decides, and the bridge to Hydra."""
