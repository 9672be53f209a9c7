"""What methods are made of at the desk only: discriminators, second heads, translators."""
