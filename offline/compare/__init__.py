"""Every method on one suite of data, with several seeds, and the table of what came out."""
