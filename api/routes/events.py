"""A job's events as they come: server-sent events from the stream that the ledger's scripts write."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.deps import OwnerDep, ServicesDep, StayDep, StoreDep
from api.problems import documented
from api.routes.jobs import find_job
from contract.jobs import Job

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])

RECHECK_SECONDS = 1.0  # a preview is told so late at most; a change of state or step at once


def _mine(job_id: str, store: StoreDep, owner: OwnerDep) -> Job:
    return find_job(store, job_id, owner)


@router.get("/{job_id:job}/events", response_class=EventSourceResponse, responses=documented(404, 422, 503))
async def read_events(
    services: ServicesDep,
    job: Annotated[Job, Depends(_mine)],
    stay: StayDep,
    last_event_id: Annotated[
        str,  # two numbers below 2^64, as Redis has them
        Header(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$", description="The last event heard: those after it follow."),
    ] = "0-0",
) -> AsyncIterator[ServerSentEvent]:
    """Follow a job: `state`, `progress`, `picture`, `preview`, and `done`, after which the stream ends.

    The latest hundred are kept, until an hour after the end. A comment comes every 15 seconds in which nothing happens.
    When the key is revoked or expires the stream ends, within five seconds and without `done`.
    """
    url = f"{router.prefix}/{job.id}"
    while not await stay.over():
        events, standing = await services.changes.events(job.id, last_event_id)
        for last_event_id, fields in events:
            kind = fields.pop("event")
            yield ServerSentEvent(event=kind, id=last_event_id, data=_told(kind, fields, url))
            if kind == "done":
                return
        if standing is None or standing[0].final:  # its events are no longer kept, or were all heard
            yield ServerSentEvent(event="done", data={"state": standing[0].value if standing else "deleted"})
            return
        await services.changes.wait(job.id, standing, RECHECK_SECONDS)


def _told(kind: str, fields: dict[str, str], url: str) -> dict[str, str | int]:
    if kind == "preview":
        return {"index": int(fields["index"]), "url": f"{url}/preview?index={fields['index']}"}
    return {"state": fields["state"], "step": int(fields["step"]), "steps": int(fields["steps"])}
