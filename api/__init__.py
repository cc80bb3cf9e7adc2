"""HTTP: routes, errors and what is checked at the door. Never imports torch."""
