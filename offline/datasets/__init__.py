"""Where training and evaluation take pictures and labels from."""
