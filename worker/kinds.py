"""Which plan a job is gone about by."""

from contract.blobs import Blobs
from contract.grid import Grid
from contract.kinds import JobRequest
from contract.store import Work
from contract.upscale import Upscale
from worker.grid import GridPlan
from worker.plan import Pictures, Plan
from worker.prepare import prepare
from worker.upscale import upscale


def plan(request: JobRequest, work: Work, blobs: Blobs) -> Plan:
    """Read a job's inputs and shape all of it for the engine. Raises JobFailed(bad_image)."""
    if isinstance(request, Grid):
        return GridPlan(request, work.inputs, work.drawn, blobs)
    if isinstance(request, Upscale):
        return upscale(request, work.inputs, work.drawn, blobs)
    return Pictures(request, work.drawn, prepare(request, work.inputs, work.drawn, blobs))
