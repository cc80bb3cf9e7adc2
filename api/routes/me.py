"""Who is asking, as the server sees it."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import LibraryDep, ServicesDep, WhoDep
from api.problems import documented
from contract.access import LOCAL, Quota, Scope, Usage

router = APIRouter(prefix="/api/v1", tags=["access"])


class Me(BaseModel):
    """A key, without the key."""

    owner: str = Field(description="The `owner` of the jobs made with it; `local` while there are no keys.")
    name: str
    scopes: list[Scope]
    session: bool = Field(description="Signed in with a browser, and able to sign out.")
    quota: Quota
    usage: Usage


class Holdings(BaseModel):
    """What the library keeps of a key."""

    pictures: int = Field(description="Its pictures, made and uploaded, without those in the trash.")
    bytes: int = Field(description="Their size, in all.")
    last_day: int = Field(description="Pictures made in the last 24 hours, and not deleted.")


@router.get("/me/library", responses=documented(503))
def read_holdings(library: LibraryDep, who: WhoDep) -> Holdings:
    """Tell how much the library keeps of whose key this is, and what was made lately."""
    found = library.holdings(who.owner, datetime.now(UTC) - timedelta(days=1))
    return Holdings(pictures=found.pictures, bytes=found.bytes, last_day=found.lately)


@router.get("/me", responses=documented(503))
def read_me(services: ServicesDep, who: WhoDep) -> Me:
    """Tell whose key this is, what it may do and use, and what it has used."""
    key = None if who.owner == LOCAL else services.keys.read(who.owner)
    return Me(
        owner=who.owner,
        name=who.name,
        scopes=sorted(who.scopes),
        session=who.session,
        quota=key.quota if key else Quota(),
        usage=services.keys.usage(who.owner),
    )
