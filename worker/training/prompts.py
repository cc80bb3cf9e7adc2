"""What the card shows: prompts fixed before the first training step, prompt i with seed i."""

GUIDANCE = 4.5
HIRES = {"upscaler": "lanczos", "strength": 0.3}  # docs/decisions.md says why
STEPS = 30
PROMPTS = (
    "a black cat on a beach at sunset",
    "a red boat on the sea",
    "a blue house in the snow at night",
    "a yellow car in the city at night",
    "a brown horse in a meadow",
    "an orange fish in the sea",
    "a gray elephant in the desert",
    "a red lighthouse on the beach with a rainbow",
    "a white spotted dog in the garden",
    "an orange tabby kitten with green eyes in a room",
    "a purple balloon in the sky at sunset",
    "a red mushroom in the forest in the rain",
    "a pink flower to the left of a white rabbit in a meadow",
    "a black cat on a green bench in the garden",
    "three yellow ducks on the sea",
    "cat, sea, wave, palm tree, in Edvard Munch style",
)
# One row for each style of the world, prompt i with seed i.
STYLED = (
    "a red boat on the sea",
    "a blue bird in a meadow",
    "an orange cat on a beach",
    "a green palm tree in the desert",
)
# Known to fail, and shown.
FAILURES = (
    "a robot in the city",
    "a cat and a dog and a horse in a meadow",
    "a red cube on a blue ball",
    "the word hello on a sign",
)
# What a test asks the classifier about, with seeds 0 to 3.
PROOF = (
    ("a red boat on the sea", "boat", "sea"),
    ("an orange fish in the sea", "fish", "sea"),
    ("a blue house in the snow", "house", "snow"),
    ("a yellow car in the city at night", "car", "city"),
)
