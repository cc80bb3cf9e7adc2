"""What the others call our fields and their values."""

from contract.catalogue import ScheduleId

PROMPT, NEGATIVE = "Prompt", "Negative prompt"
MAKER = "Darkroom"  # what our own texts give as their version

# Our fields whose labels hold just their value, as (label, field, kind of number).
PLAIN: tuple[tuple[str, str, type[int] | type[float]], ...] = (
    ("Steps", "steps", int),
    ("CFG scale", "guidance", float),
    ("Seed", "seed", int),
    ("Sigma churn", "s_churn", float),
    ("Sigma tmin", "s_tmin", float),
    ("Sigma tmax", "s_tmax", float),
    ("Sigma noise", "s_noise", float),
    ("Schedule min sigma", "sigma_min", float),
    ("Schedule max sigma", "sigma_max", float),
    ("Schedule rho", "rho", float),
    ("Skip Early CFG", "guidance_start", float),
    ("Mask blur", "mask_blur", int),
    ("Masked area padding", "padding", int),
)
OPTIONS = PLAIN[3:10]
ETA = {"Eta": "eta", "Eta DDIM": "eta"}
FILLS = {"original": "original", "blur": "fill", "noise": "latent noise", "zero": "latent nothing"}
UPSCALERS = {
    "bilinear": "Latent",
    "antialiased": "Latent (antialiased)",
    "bicubic": "Latent (bicubic)",
    "nearest": "Latent (nearest)",
    "lanczos": "Lanczos",
}
NEAR_UPSCALERS = {"Latent (bicubic antialiased)": "antialiased", "Latent (nearest-exact)": "nearest"}
SILENT = {"Prompt", NEGATIVE, "Version", "Model", "Model hash", "Hires upscale"}

# The schedule that `Automatic`, or none, stands for: the sampler's own there.
AUTOMATIC = {
    **dict.fromkeys(("dpmpp_2m", "dpmpp_sde", "dpmpp_2s_a", "dpm2", "dpm2_a", "restart"), ScheduleId.KARRAS),
    **dict.fromkeys(("dpmpp_2m_sde", "dpmpp_3m_sde"), ScheduleId.EXPONENTIAL),
    **dict.fromkeys(("ddim", "plms"), ScheduleId.DDIM),
}
