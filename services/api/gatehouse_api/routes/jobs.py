"""``/api/v1/maintenance/consistency-check`` and ``/api/v1/jobs``: longer works, asked for and looked at (S2-44)."""

from __future__ import annotations

from flask import Response, jsonify, request
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.cursors import read_cursor, write_cursor
from gatehouse_api.idempotency import once
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.job_models import CheckRequest, JobList, JobPath, JobsQuery, JobView, job_asked, job_view
from gatehouse_common.accounts import Scope
from gatehouse_common.db.jobs import CONSISTENCY_CHECK
from gatehouse_common.errors import Forbidden, InvalidInput

api = Routes("jobs", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Maintenance")])


@api.post(
    "/maintenance/consistency-check", responses={202: JobView}, summary="Compare the index with every file, both ways"
)
@needs(Scope.SETTINGS_ADMIN)
@once()
def ask_for_check(body: CheckRequest) -> tuple[Response, int, dict[str, str]]:
    """Ask for a check; the janitor does it. One that waits or runs already and was asked for alike is that one."""
    if request.get_data() and request.get_json(silent=True) is None:
        raise InvalidInput("what a check is to do is told in JSON, as `application/json`, or not at all")
    if caller().cameras() is not None:
        raise Forbidden("a check looks at the files of all cameras: whoever sees only some cannot ask for one.")
    core = context().core
    wanted = {"repair": body.repair, "quick": body.quick, "scope": "all"}
    return job_asked(context().jobs.ask(CONSISTENCY_CHECK, wanted, core.clock.now_us(), caller().name or "api"))


@api.get("/jobs", responses={200: JobList}, summary="Longer works, the newest first")
@needs(Scope.SETTINGS_ADMIN, Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def get_jobs(query: JobsQuery) -> Response:
    """Return jobs with their states: one's own, others' for who may see those, the house's for who runs it.

    What each found, one by one, a job itself tells.
    """
    _, before = read_cursor(query.cursor)
    jobs = context().own_jobs if query.mine else context().jobs
    found = jobs.list(query.limit + 1, before, query.kind)
    shown = found[: query.limit]
    more = write_cursor(0, (shown[-1].created_us, shown[-1].id)) if len(found) > query.limit else None
    answer = jsonify(JobList(items=[job_view(job, whole=False) for job in shown], next_cursor=more).model_dump())
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.get("/jobs/<job>", responses={200: JobView}, summary="A longer work: how far it is, and what came of it")
@needs(Scope.SETTINGS_ADMIN, Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def get_job(path: JobPath) -> Response:
    """Return a job."""
    answer = jsonify(job_view(context().jobs.get(path.job)).model_dump())
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.delete("/jobs/<job>", responses={200: JobView}, summary="Call a longer work off")
@needs(Scope.SETTINGS_ADMIN, Scope.RECORDS_OWN)
def cancel_job(path: JobPath) -> Response:
    """Call a job off; who does it notices within seconds. What it has done by then stays, 409 if it has ended."""
    return jsonify(job_view(context().media.cancel(path.job, caller(), sender())).model_dump())
