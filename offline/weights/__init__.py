"""Where a network's first tensors come from."""
