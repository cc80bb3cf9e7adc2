"""Every setting of Darkroom, in one place.

A value comes from, first wins: a flag of `darkroom up` (`--port 8001`), the environment (`DARKROOM_PORT=8001`),
the file `.env`, the default here. docs/settings.md and .env.example list them all; a test compares.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, CliToggleFlag, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings shared by the supervisor, the api and the workers."""

    model_config = SettingsConfigDict(env_prefix="DARKROOM_", env_file=".env", extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address the web server binds.")
    insecure: CliToggleFlag[bool] = Field(
        False, description="Take requests from other machines though there are no keys: everybody may do everything."
    )
    port: int = Field(8000, ge=1, le=65535, description="Port the web server binds.")
    data: Path = Field(Path("data"), description="Folder of everything that lasts: pictures, queue, logs.")
    redis_url: str | None = Field(
        None, description="An existing Redis (redis://, rediss:// or unix://) in place of our own process."
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
    concurrency: int = Field(16, ge=1, le=128, description="Most jobs one worker develops at a time.")
    max_queue: int = Field(1000, ge=1, description="Most jobs waiting; beyond it a new one is answered 429.")
    max_pixels: int = Field(1024 * 1024, ge=64 * 64, description="Most pixels in one picture.")
    max_cost: int = Field(
        2000, ge=1, description="Most work in one job, in megapixel-steps: width x height x steps x count / 1e6."
    )
    max_upload: int = Field(25 * 1024 * 1024, ge=1024, description="Most bytes in one uploaded picture.")
    max_attempts: int = Field(3, ge=1, description="Times a job is started before a crashing worker fails it.")
    lease_seconds: float = Field(15.0, gt=0, description="A job whose worker is silent this long runs again.")
    beat_seconds: float = Field(5.0, gt=0, description="Time between two heartbeats of a worker.")
    drain_seconds: float = Field(
        20.0, ge=0, description="Time a stopping worker gives its running jobs before it hands them back."
    )
    strict: bool = Field(
        True, description="Pictures never depend on others in the batch, bit for bit; off is faster on some devices."
    )
    checkpoint_seconds: float = Field(
        5.0, ge=0, description="Time between two checkpoints of a job, from which another worker goes on; 0 = none."
    )
    checkpoint_bytes: int = Field(
        64 * 1024 * 1024,
        ge=0,
        description="Most bytes of a job's checkpoint; beyond it an image goes on from further back.",
    )
    rate_per_key: int = Field(3000, ge=0, description="Most requests a minute with one key; 0 = any number.")
    rate_per_address: int = Field(
        6000, ge=0, description="Most requests a minute from one address, once there are keys; 0 = any number."
    )
    rate_failures: int = Field(
        20, ge=1, description="Wrong keys a minute from one address that are answered 401; more are answered 429."
    )
    log_prompts: bool = Field(False, description="Leave prompts in the logs readable.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

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
        """The environment for a child process that must see exactly these settings."""
        values = self.model_dump(mode="json", exclude_none=True)
        ours = {f"DARKROOM_{name.upper()}": str(value) for name, value in values.items()}
        return {**os.environ, **ours}


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
