"""What each route may answer with besides success, for the OpenAPI document."""

from __future__ import annotations

from litestar.openapi.datastructures import ResponseSpec

from api.problems import GENERAL_PROBLEMS, KEY_PROBLEMS, Problem, by_status
from schemas.resources import PROBLEM_MEDIA_TYPE, ProblemDocument


def problems(*own: type[Problem]) -> dict[int, ResponseSpec]:
    """The problems of a route behind a key or a session: its own, and those that any such route may answer with."""
    return public_problems(*own, *KEY_PROBLEMS)


def public_problems(*own: type[Problem]) -> dict[int, ResponseSpec]:
    """The problems of a route for everybody: its own, and those that any route may answer with."""
    return {
        status: ResponseSpec(
            data_container=ProblemDocument,
            media_type=PROBLEM_MEDIA_TYPE,
            generate_examples=False,
            description="; ".join(f"`{problem.name}`: {problem.title}" for problem in group),
        )
        for status, group in by_status((*own, *GENERAL_PROBLEMS)).items()
    }
