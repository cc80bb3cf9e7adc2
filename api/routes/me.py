"""Who is asking, as the server sees it."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import ServicesDep, WhoDep
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
