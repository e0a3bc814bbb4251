"""What people do with runs afterwards: name one, delete it with all that belongs to it, take runs from elsewhere."""
