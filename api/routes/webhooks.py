"""Webhooks: what was sent for a job, and the secret that receivers check it by."""

from fastapi import APIRouter, FastAPI, Response

from api.deps import OwnerDep, StoreDep, WhoDep
from api.problems import documented
from api.routes.jobs import find_job
from contract.deliveries import Deliveries, WebhookMessage
from contract.webhooks import Delivery, WebhookSecret

router = APIRouter(prefix="/api/v1", tags=["webhooks"])


@router.get("/jobs/{job_id:job}/deliveries", responses=documented(404, 503))
def read_deliveries(job_id: str, store: StoreDep, owner: OwnerDep) -> Delivery:
    """See every attempt to tell the job's webhook of its end, and when the next one is due."""
    find_job(store, job_id, owner)
    return Deliveries(store).read(job_id)


@router.get("/webhook-secret", responses=documented(503))
def read_webhook_secret(store: StoreDep, who: WhoDep, response: Response) -> WebhookSecret:
    """Tell the secret that signs the webhooks of this key's jobs, and of no other's."""
    response.headers["Cache-Control"] = "no-store"
    return Deliveries(store).secret(who.owner)


@router.post("/webhook-secret", responses=documented(503))
def replace_webhook_secret(store: StoreDep, who: WhoDep, response: Response) -> WebhookSecret:
    """Make a new secret; for a day the one before signs too, so that receivers can change over."""
    response.headers["Cache-Control"] = "no-store"
    return Deliveries(store).replace_secret(who.owner)


def describe_message(app: FastAPI) -> None:
    """Have the app's description tell what it sends."""

    @app.webhooks.post("job-ended", responses={200: {"description": "Any of 200 to 299 means that it came."}})
    def job_ended(message: WebhookMessage) -> None:
        """A job has ended.

        Signed by Standard Webhooks: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`. What is not
        answered with 200 to 299 within 15 seconds is sent again, with the same `webhook-id`: ten times in all, over
        about three days. 410 ends that. A message may come twice.
        """
