"""A run made into the bundle that goes to the vehicle."""
