"""A recipe's stages trained into a run folder."""
