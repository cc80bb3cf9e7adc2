"""Every error Darkroom raises on purpose.

DarkroomError
├── RequestError            the client can mend it: a 4xx that says what to change
│   ├── NotFound            404
│   ├── Conflict            409  the job is in a state that forbids this, or the key names another request
│   ├── TooLarge            413
│   ├── UnsupportedMedia    415
│   ├── BadRequest          422  a field, or fields together, that cannot work
│   │   ├── BadImage        422  bytes that are no picture we accept
│   │   └── PromptError     422  a wildcard, style or tag that cannot work
│   │       └── UnsupportedExtra  a LoRA or embedding, until these can be loaded
│   └── TooMany             429  with the seconds after which to try again
│       ├── QueueFull       429  too many jobs wait
│       └── OverQuota       429  the key has had what it may have
├── Unavailable             503  a part of Darkroom is away for the moment
│   └── LibraryAway         503  the database: away, locked or full; the worker takes it for the disk's trouble it is
└── JobFailed               ends one job, with a code of the closed list below
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a job failed. Clients may rely on these words."""

    OUT_OF_MEMORY = "out_of_memory"
    MODEL_UNAVAILABLE = "model_unavailable"
    WORKER_CRASHED = "worker_crashed"
    BAD_IMAGE = "bad_image"
    NAN_IMAGE = "nan_image"
    STORAGE_ERROR = "storage_error"
    DEADLINE = "deadline"
    INTERNAL_ERROR = "internal_error"


class DarkroomError(Exception):
    """Base of all errors raised on purpose; its text is for the person who can act."""


class RequestError(DarkroomError):
    """The request cannot be served as it is; `status` is the HTTP status that says so."""

    status = 400

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class NotFound(RequestError):
    status = 404


class Conflict(RequestError):
    status = 409


class TooLarge(RequestError):
    status = 413


class UnsupportedMedia(RequestError):
    status = 415


class BadRequest(RequestError):
    status = 422


class BadImage(BadRequest):
    """Bytes that are not a PNG, JPEG or WebP picture within the limits."""


class PromptError(BadRequest):
    """A wildcard, style or tag that cannot work. The caller knows which field it was, and sets `field`."""


class TooMany(RequestError):
    """retry_after: seconds until there is room again, as far as can be told."""

    status = 429

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class QueueFull(TooMany):
    """Too many jobs wait."""


class OverQuota(TooMany):
    """The key has had what it may have for now."""


class Unavailable(DarkroomError):
    """Redis, the disk or every worker is away; the same request may succeed later."""


class LibraryAway(Unavailable, OSError):
    """The library's database cannot be reached, is locked, or its disk is full. Waited for as any disk is."""


class JobFailed(DarkroomError):
    """Ends one job as `failed`; neighbours and worker go on."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
