"""The bar: sixteen prompts, prompt i with seed i, fixed before the first training step."""

GUIDANCE = 4.5
STEPS = 30
PROMPTS = (
    "a black cat on a beach at sunset",
    "a red boat on the sea",
    "a white house in the snow",
    "a yellow car in the city at night",
    "a brown horse in a meadow",
    "an orange fish in the sea",
    "a pink flower in a meadow",
    "a blue bird in the mountains",
    "a green palm tree on a beach",
    "a gray kitten in the snow",
    "a purple house in the mountains at sunset",
    "a white dog in the desert at night",
    "a red car to the left of a white dog in the city",
    "a watercolor of a red tree in a meadow",
    "a pencil sketch of a cat in the mountains",
    "pixel art of a purple boat on the sea at sunset",
)
