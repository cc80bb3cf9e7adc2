"""What api and worker agree on: requests, jobs, the ledger, bytes, settings. Never imports torch."""
