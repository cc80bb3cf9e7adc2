"""How the library's tables came to be, step by step. `contract.library.database` runs what is missing at the start."""
