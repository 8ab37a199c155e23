"""What `smicnb status` says of a notebook: how its last run ended, and whether its results are fresh."""

from typing import Any

from smicnb.base.errors import SmicnbError
from smicnb.repro import freshness, records
from smicnb.repro.jobs import Job

MOST = 4  # reasons on one line
KEPT = ("cells", "error", "queued", "started", "seconds", "attempts", "commit", "modified", "executed")


def row(job: Job) -> dict[str, Any]:
    """Everything of one notebook: `state`, `stale` (reasons, empty where it is fresh), and parts of its record."""
    record = records.read(job.place.record) or {}
    try:
        stale = freshness.reasons(job)
    except SmicnbError as error:  # a model that is not here, say
        stale = [f"cannot tell: {error}"]
    kept = {name: record.get(name) for name in KEPT}
    return {
        "notebook": job.notebook,
        "recipe": job.recipe,
        "state": record.get("state", "absent"),
        "stale": stale,
        **kept,
    }


def line(row: dict[str, Any]) -> str:
    """One line for a person."""
    stale = row["stale"]
    more = f"; and {len(stale) - MOST} more" if len(stale) > MOST else ""
    what = f"stale: {'; '.join(stale[:MOST])}{more}" if stale else "fresh"
    about = [row["started"], row["commit"] and row["commit"][:7] + ("+" if row["modified"] else "")]
    about += [None if row["seconds"] is None else f"{row['seconds']:.0f} s"]
    about = ", ".join(each for each in about if each)
    return f"{row['notebook']}: {row['state']}, {what}{f' ({about})' if about else ''}"
