"""The `darkroom` command. api and worker are its child processes; it imports neither."""
