"""The bars of the bundled model, measured: pictures are made, judged, and counted into a table."""
