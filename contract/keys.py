"""Every key and channel in Redis. lua/prelude.lua spells the same names for the scripts.

| key                  | type   | holds |
|----------------------|--------|-------|
| `job:<id>`           | hash   | one job: request, state, claim token, progress, error |
| `pictures:<job>`     | zset   | image ids of a job, in order |
| `image:<id>`         | hash   | one picture's record |
| `refs:<sha256>`      | set    | images and jobs that need these bytes |
| `preview:<job>`      | hash   | index → newest preview, base64 JPEG; goes after a minute |
| `queued`             | zset   | waiting jobs, by time of arrival |
| `leases`             | zset   | running jobs, by the time their lease ends |
| `jobs`               | zset   | all jobs, by time of arrival |
| `garbage`            | zset   | bytes nobody needs, by the time they became so |
| `fence`              | string | counter that makes claim tokens |
| `workers`, `models`  | hash   | what workers publish about themselves and their models |
| `tokenizers`         | hash   | model hash → its tokenizer, for the api to show tokens |
| `reaper`             | string | lock: one process reaps at a time |
| `keys`               | hash   | key id → its record (access.py); the id is the owner of what it makes |
| `session:<sha256>`   | string | a browser's session: key id and the hash of the key's text; goes after 14 days |
| `owned:<owner>`      | zset   | an owner's jobs, by time of arrival |
| `flying:<owner>`     | set    | an owner's jobs that wait or run |
| `spent:<owner>`      | hash   | minute → pixel-steps an owner's jobs cost; those of the last hour |
| `used:<owner>`       | hash   | jobs and pixel-steps an owner was ever granted, and when its key was last seen |
| `limits:…`           |        | counters of the rate limits (api/limits.py) |
| `k:…`                |        | Celery's own keys |
| `changed`, `cancel`  | channel| ids of jobs that changed, or are to be cancelled |
"""

PREFIX = "darkroom:"
QUEUED, LEASES, JOBS, GARBAGE = (PREFIX + name for name in ("queued", "leases", "jobs", "garbage"))
WORKERS, MODELS, TOKENIZERS, REAPER = (PREFIX + name for name in ("workers", "models", "tokenizers", "reaper"))
CHANGED, CANCEL = PREFIX + "changed", PREFIX + "cancel"
KEYS, LIMITS = PREFIX + "keys", PREFIX + "limits"
CELERY_PREFIX = PREFIX + "k:"


def job(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def pictures(job_id: str) -> str:
    return f"{PREFIX}pictures:{job_id}"


def image(image_id: str) -> str:
    return f"{PREFIX}image:{image_id}"


def preview(job_id: str) -> str:
    return f"{PREFIX}preview:{job_id}"


def session(sha256: str) -> str:
    return f"{PREFIX}session:{sha256}"


def owned(owner: str) -> str:
    return f"{PREFIX}owned:{owner}"


def flying(owner: str) -> str:
    return f"{PREFIX}flying:{owner}"


def spent(owner: str) -> str:
    return f"{PREFIX}spent:{owner}"


def used(owner: str) -> str:
    return f"{PREFIX}used:{owner}"
