"""Adding data of one's own: what a file or folder has in it, and the recipe that follows."""
