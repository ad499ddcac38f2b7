"""A trajectory as a stored row, and back."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from deepcoder.errors import RecordError
from deepcoder.records import Trajectory
from deepcoder.trajectories.upgrades import upgraded

DERIVED = ("messages", "verified")


def trajectory_row(trajectory: Trajectory) -> dict[str, Any]:
    """The stored form: public keys first (problem_id, messages, steps, answer, verified), then the rest."""
    record = trajectory.model_dump(mode="json")
    row = {
        "problem_id": trajectory.problem_id,
        "messages": [message.model_dump() for message in trajectory.messages()],
        "steps": record["steps"],
        "answer": trajectory.answer,
        "verified": trajectory.verified,
    }
    return row | {key: value for key, value in record.items() if key not in row}


def is_trained(row: dict[str, Any]) -> bool:
    """`Trajectory.trained` of a stored row, not validated; rows of older versions lack the later keys."""
    scored = (row.get("origin") or {}).get("source") == "scored"
    return bool(row["verified"]) or (scored and row.get("rejection") is None)


def trajectory_of(row: dict[str, Any], where: str) -> Trajectory:
    """The inverse of `trajectory_row`, for every record version; `where` names the row's place in a RecordError."""
    row = upgraded(row, where)
    try:
        return Trajectory.model_validate({key: value for key, value in row.items() if key not in DERIVED})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RecordError(f"{where}: {key}: {first['msg']}", hint="the row is not a trajectory") from None
