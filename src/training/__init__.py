"""The training loop: a generator of epoch records, and what it is made of. It knows no file and no tracker."""
