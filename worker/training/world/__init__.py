"""A small world of captioned drawings, made from seeds: what our models are taught."""
