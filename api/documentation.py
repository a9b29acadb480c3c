"""What each route may answer with besides success, for the OpenAPI document."""

from __future__ import annotations

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from api.problems import GENERAL_PROBLEMS, KEY_PROBLEMS, Problem, by_status
from schemas.resources import PROBLEM_MEDIA_TYPE, ProblemDocument

#: The request that the examples of problems answer.
_REQUEST = "6f1f0d1e-8f0c-4a52-9a55-2a4de1f7d0c1"


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
            examples=[_example(problem) for problem in group],
            description="; ".join(f"`{problem.name}`: {problem.title}" for problem in group),
        )
        for status, group in by_status((*own, *GENERAL_PROBLEMS)).items()
    }


def _example(problem: type[Problem]) -> Example:
    document = problem(f"{problem.title}: what was wrong, what was expected, and what to do next").document(_REQUEST)
    return Example(id=problem.name, summary=problem.title, value=msgspec.to_builtins(document))
