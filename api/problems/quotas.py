"""What the account's plan does not allow."""

from http import HTTPStatus

from api.problems.problem import Problem


class QuotaExhausted(Problem):
    status, name, title = HTTPStatus.PAYMENT_REQUIRED, "quota-exhausted", "The account's plan has nothing left this month"


class TooManyRequests(Problem):
    status, name, title = HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", "The account asks too often"
