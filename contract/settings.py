"""Every setting of Darkroom, in one place.

A value comes from, first wins: a flag of `darkroom up` (`--port 8001`), the environment (`DARKROOM_PORT=8001`),
the file `.env`, the default here. docs/settings.md and .env.example list them all; a test compares.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, CliToggleFlag, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings shared by the supervisor, the api and the workers."""

    model_config = SettingsConfigDict(env_prefix="DARKROOM_", env_file=".env", extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address the web server binds.")
    hosts: str = Field(
        "",
        description="Names, with commas between, under which browsers and programs reach it, such as studio.example; "
        "the loopback ones and `DARKROOM_HOST` always count.",
    )
    insecure: CliToggleFlag[bool] = Field(
        False, description="Take requests from other machines though there are no keys: everybody may do everything."
    )
    port: int = Field(8000, ge=1, le=65535, description="Port the web server binds.")
    data: Path = Field(Path("data"), description="Folder of everything that lasts: pictures, queue, logs.")
    store: str | None = Field(
        None,
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]+(/[\w.=-]+)*)?$",
        description="Bucket that pictures lie in, `s3://bucket/prefix`, in place of the data folder; its keys, region "
        "and endpoint are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL.",
    )
    store_http: CliToggleFlag[bool] = Field(
        False, description="Let AWS_ENDPOINT_URL be http://: what passes can then be read on the way."
    )
    redis_url: str | None = Field(
        None, description="An existing Redis (redis://, rediss:// or unix://) in place of our own process."
    )
    database_url: str | None = Field(
        None,
        pattern=r"^postgres(ql)?://",
        description="A PostgreSQL (postgresql://user:password@host/name) for the library, in place of a SQLite file in "
        "the data folder; needed where workers are on other machines.",
    )
    redis_bin: Path | None = Field(
        None, description="The redis-server or valkey-server to start; found by itself when unset."
    )
    model: Path = Field(ROOT / "models" / "mini", description="Stable Diffusion 1.x or 2.x folder in diffusers format.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the model runs.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Number format of the model; auto is bfloat16 on cuda and float32 on cpu."
    )
    worker_name: str | None = Field(
        None,
        description="Name of this worker, the host's when unset; one that starts under the name of a dead one takes "
        "its jobs back at once, so no two may share it.",
    )
    threads: int = Field(0, ge=0, description="CPU threads of torch; 0 = one for each core.")
    max_rows: int = Field(32, ge=4, le=256, description="Most samples in one U-Net call.")
    concurrency: int = Field(
        16,
        ge=1,
        le=128,
        description="Most jobs of one owner that a worker develops at a time; others' find a quarter more places.",
    )
    max_queue: int = Field(1000, ge=1, description="Most jobs waiting; beyond it a new one is answered 429.")
    max_pixels: int = Field(1024 * 1024, ge=64 * 64, description="Most pixels in one picture.")
    max_cost: int = Field(
        2000, ge=1, description="Most work in one job, in megapixel-steps: width x height x steps x count / 1e6."
    )
    max_upload: int = Field(25 * 1024 * 1024, ge=1024, description="Most bytes in one uploaded picture.")
    picture_seconds: float = Field(
        10.0, gt=0, description="Most seconds that reading one picture may take; of a core it gets 5 at most."
    )
    max_attempts: int = Field(
        10,
        ge=1,
        description="Most times a job is started, whatever ended its workers; two crashes of its own suffice.",
    )
    lease_seconds: float = Field(15.0, gt=0, description="A job whose worker is silent this long runs again.")
    beat_seconds: float = Field(5.0, gt=0, description="Time between two heartbeats of a worker.")
    drain_seconds: float = Field(
        20.0, ge=0, description="Time a stopping worker gives its running jobs before it hands them back."
    )
    watchdog_seconds: float = Field(
        60.0, gt=0, description="A worker whose device does not move for so long, while it has work, ends itself."
    )
    strict: bool = Field(
        True, description="Pictures never depend on others in the batch, bit for bit; off is faster on some devices."
    )
    channels_last: Literal["auto", "on", "off"] = Field(
        "auto", description="The model's convolutions with their channels innermost in memory; auto is on."
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Compile the U-Net beside the work (torch.compile); needs strict off; auto is on with cuda and "
        "strict off.",
    )
    cuda_graphs: Literal["auto", "on", "off"] = Field(
        "auto", description="Record U-Net calls as CUDA graphs and play them again; auto is on with cuda."
    )
    checkpoint_seconds: float = Field(
        5.0, ge=0, description="Time between two checkpoints of a job, from which another worker goes on; 0 = none."
    )
    checkpoint_bytes: int = Field(
        64 * 1024 * 1024,
        ge=0,
        description="Most bytes of a job's checkpoint; beyond it an image goes on from further back.",
    )
    keep_days: float = Field(
        0.0,
        ge=0,
        description="Days after its end that a job is forgotten; its pictures stay in the library. "
        "0 = kept until deleted.",
    )
    rate_per_key: int = Field(3000, ge=0, description="Most requests a minute with one key; 0 = any number.")
    rate_per_address: int = Field(
        6000, ge=0, description="Most requests a minute from one address, once there are keys; 0 = any number."
    )
    rate_failures: int = Field(
        20, ge=1, description="Wrong keys a minute from one address that are answered 401; more are answered 429."
    )
    webhooks: CliToggleFlag[bool] = Field(
        False, description="Tell the `webhook` of a job when it ends: requests from here to public https addresses."
    )
    log_prompts: bool = Field(False, description="Leave prompts in the logs readable.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")
    log_format: Literal["text", "json"] = Field("text", description="Lines for people, or one JSON object a line.")

    @property
    def places(self) -> int:
        """Jobs that a worker develops at a time."""
        return self.concurrency + max(1, self.concurrency // 4)

    @model_validator(mode="after")
    def _compile_or_strict(self) -> Self:
        if self.compile == "on" and self.strict:
            raise ValueError(
                "compile=on needs strict=off: compiled code rounds otherwise than the eager one that serves until then"
            )
        return self

    @property
    def redis_socket(self) -> Path:
        """Unix socket of our own Redis."""
        return (self.data / "run" / "redis.sock").resolve()

    @property
    def redis(self) -> str:
        """URL for redis-py."""
        return self.redis_url or f"unix://{self.redis_socket}"

    @property
    def blobs(self) -> Path:
        """Folder of content-addressed bytes."""
        return self.data / "blobs"

    @property
    def checkpoints(self) -> Path:
        """Folder of what running jobs need to be gone on with."""
        return self.data / "checkpoints"

    @property
    def prompts(self) -> Path:
        """Folder of this installation's own wildcards/*.txt and styles/*.txt."""
        return self.data / "prompts"

    def environ(self) -> dict[str, str]:
        """The environment for a child process that must see exactly these settings, and fetches no model or code."""
        values = self.model_dump(mode="json", exclude_none=True)
        ours = {f"DARKROOM_{name.upper()}": str(value) for name, value in values.items()}
        return {**os.environ, "HF_HUB_OFFLINE": "1", "DIFFUSERS_DISABLE_REMOTE_CODE": "1", **ours}


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
