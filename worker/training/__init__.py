"""How a Stable Diffusion is made from nothing: drawings, tokenizer, CLIP, VAE, U-Net."""
