"""Every key and channel in Redis. lua/prelude.lua spells the same names for the scripts.

| key                  | type   | holds |
|----------------------|--------|-------|
| `job:<id>`           | hash   | one job: request, webhook, traceparent, state, claim token, progress, error, verdict |
| `pictures:<job>`     | zset   | image ids of a job, in order |
| `image:<id>`         | hash   | one picture of a job: its record, while the job is there |
| `refs:<sha256>`      | set    | images and jobs that need these bytes |
| `preview:<job>`      | hash   | index → newest preview, base64 JPEG; goes after a minute |
| `events:<job>`       | stream | its latest 100 events; for an hour after its end |
| `queued`             | zset   | waiting jobs, by time of arrival |
| `suspects`           | zset   | waiting jobs that were there when a worker crashed, by time of arrival |
| `line:<model>:<owner>` | zset | waiting jobs of one owner for one model (or none), by arrival and priority |
| `ring:<model>`       | zset   | owners who wait for that model, by what they were served, in pixel-steps |
| `served`             | zset   | owners who were served more than `turn`, by how much, in pixel-steps |
| `turn`               | string | how far all waiting owners have come, in pixel-steps |
| `backlog`            | hash   | `<model>:<owner>` → pixel-steps waiting in that line |
| `lanes`              | zset   | models that jobs wait for or workers have, by when a worker had it last |
| `speed:<model>`      | hash   | pixel-steps done and time taken, the older the less; jobs running |
| `counters`           | hash   | how often: claims, lost, retries, released, hints_repeated, and each final state |
| `estimates`          | hash   | how well starts are told: jobs, sum of errors and of waits, ms |
| `foretold`           | list   | of the last twenty jobs whose end was told: ms that were told, ms that it took |
| `load:<worker>`      | hash   | owner → jobs that this worker holds of his |
| `paused`             | zset   | waiting jobs that their owner paused, by time of arrival |
| `pause`              | string | there while the whole queue is paused: since when |
| `resumed`            | string | when the whole queue was resumed, the last time |
| `deadlines`          | zset   | jobs, by the time they must have started or ended |
| `deliveries`         | zset   | ended jobs whose webhook is to be told, by when it is due or its lease ends |
| `delivery:<job>`     | hash   | how that stands, and how often it was taken |
| `attempts:<job>`     | list   | what came of each attempt, in JSON |
| `signing:<owner>`    | hash   | the secret that signs an owner's webhooks, the one before, and until when that signs |
| `idem:<owner>:<key>` | hash   | the job that an Idempotency-Key stands for, and a digest of its request; for a day |
| `leases`             | zset   | running jobs, by the time their lease ends |
| `jobs`               | zset   | all jobs, by time of arrival |
| `ended`              | zset   | finished jobs, by when they ended |
| `garbage`            | zset   | bytes nobody needs, by the time they became so |
| `dead`               | zset   | jobs that crashed their worker twice, by time of death |
| `letter:<job>`       | hash   | such a job as it was submitted, why it died and when |
| `alone`              | hash   | worker → the suspect that it took last |
| `clearing`           | string | worker that takes no jobs until it is free for a suspect; goes after 15 s |
| `fence`              | string | counter that makes claim tokens |
| `workers`, `models`  | hash   | what workers publish about themselves and their models |
| `tokenizers`         | hash   | model hash → its tokenizer, for the api to show tokens |
| `reaper`             | string | lock: one process reaps at a time |
| `reaped`             | string | when the last round began |
| `keys`               | hash   | key id → its record (access.py); the id is the owner of what it makes |
| `session:<sha256>`   | string | a browser's session: key id and the hash of the key's text; goes after 14 days |
| `owned:<owner>`      | zset   | an owner's jobs, by time of arrival |
| `flying:<owner>`     | set    | an owner's jobs that wait or run |
| `spent:<owner>`      | hash   | minute → pixel-steps an owner's jobs cost; those of the last hour |
| `used:<owner>`       | hash   | jobs and pixel-steps an owner was ever granted, and when its key was last seen |
| `limits:…`           |        | counters of the rate limits (api/limits.py) |
| `k:…`                |        | Celery's own keys |
| `changed:<job>`, `cancel` | channel | the id of a job that changed; ids of jobs that are to be cancelled |
"""

PREFIX = "darkroom:"
QUEUED, LEASES, JOBS, GARBAGE = (PREFIX + name for name in ("queued", "leases", "jobs", "garbage"))
SUSPECTS, DEAD = PREFIX + "suspects", PREFIX + "dead"
ESTIMATES, FORETOLD, COUNTERS = PREFIX + "estimates", PREFIX + "foretold", PREFIX + "counters"
PAUSED, PAUSE = PREFIX + "paused", PREFIX + "pause"
WORKERS, MODELS, TOKENIZERS, REAPER = (PREFIX + name for name in ("workers", "models", "tokenizers", "reaper"))
CHANGED, CANCEL = PREFIX + "changed", PREFIX + "cancel"
DELIVERIES = PREFIX + "deliveries"
KEYS, LIMITS = PREFIX + "keys", PREFIX + "limits"
CELERY_PREFIX = PREFIX + "k:"


def job(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def pictures(job_id: str) -> str:
    return f"{PREFIX}pictures:{job_id}"


def image(image_id: str) -> str:
    return f"{PREFIX}image:{image_id}"


def refs(sha256: str) -> str:
    return f"{PREFIX}refs:{sha256}"


def preview(job_id: str) -> str:
    return f"{PREFIX}preview:{job_id}"


def letter(job_id: str) -> str:
    return f"{PREFIX}letter:{job_id}"


def line(model: str, owner: str) -> str:
    return f"{PREFIX}line:{model}:{owner}"


def idempotency(owner: str, key: str) -> str:
    return f"{PREFIX}idem:{owner}:{key}"


def changed(job_id: str) -> str:
    return f"{PREFIX}changed:{job_id}"


def events(job_id: str) -> str:
    return f"{PREFIX}events:{job_id}"


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


def delivery(job_id: str) -> str:
    return f"{PREFIX}delivery:{job_id}"


def attempts(job_id: str) -> str:
    return f"{PREFIX}attempts:{job_id}"


def signing(owner: str) -> str:
    return f"{PREFIX}signing:{owner}"
