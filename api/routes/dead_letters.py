"""Dead letters: jobs that crashed their worker again and again; look, replay, purge. An admin's (api/access.py)."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.cursors import Cursor, read_cursor, write_cursor
from api.deps import ServicesDep, StoreDep, VisibleDep
from api.problems import documented
from contract.dead_letters import DeadLetter, DeadLetters
from contract.errors import NotFound
from contract.jobs import Job

router = APIRouter(prefix="/api/v1/dead-letters", tags=["dead letters"])


class LetterListing(BaseModel):
    """What to list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1, le=100, description="Most letters on a page.")
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")


class DeadLetterPage(BaseModel):
    """Some of the dead letters, newest first."""

    dead_letters: list[DeadLetter]
    next_cursor: str | None = Field(description="Where the next page begins; null when there is none.")


@router.get("", responses=documented(422, 503))
def list_dead_letters(store: StoreDep, owner: VisibleDep, listing: Annotated[LetterListing, Query()]) -> DeadLetterPage:
    """List jobs that ended as `worker_crashed`, newest first, a thousand at most."""
    letters, rest = DeadLetters(store).page(owner, before=read_cursor(listing.cursor), limit=listing.limit)
    return DeadLetterPage(dead_letters=letters, next_cursor=write_cursor(rest))


@router.delete("", status_code=204, responses=documented(503))
def purge_dead_letters(store: StoreDep, owner: VisibleDep) -> None:
    """Forget all dead letters; the jobs themselves stay."""
    DeadLetters(store).purge_all(owner)


@router.post("/{job_id:job}/replay", status_code=202, responses=documented(404, 422, 429, 503))
def replay_dead_letter(job_id: str, services: ServicesDep, owner: VisibleDep, response: Response) -> Job:
    """Submit the same request anew, seed and drawn prompts included; the answer is the new job, the letter is gone."""
    letters = DeadLetters(services.store)
    _check(letters, job_id, owner)
    new_id = letters.replay(job_id, max_queue=services.settings.max_queue)
    job = services.store.get(new_id) if new_id else None
    if job is None:  # purged, or replayed and deleted, a moment ago
        raise _unknown()
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return job


@router.delete("/{job_id:job}", status_code=204, responses=documented(404, 503))
def purge_dead_letter(job_id: str, store: StoreDep, owner: VisibleDep) -> None:
    """Forget a dead letter; the job itself stays."""
    letters = DeadLetters(store)
    _check(letters, job_id, owner)
    letters.purge(job_id)


def _check(letters: DeadLetters, job_id: str, owner: str | None) -> None:
    letter = letters.get(job_id)
    if letter is None or owner not in (None, letter.owner):
        raise _unknown()


def _unknown() -> NotFound:
    return NotFound("There is no dead letter of this id; it may have been replayed or purged.")
