"""Combined studies: several comparisons, and the best network of all of them."""
