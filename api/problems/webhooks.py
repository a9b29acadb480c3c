"""Webhooks and their deliveries."""

from http import HTTPStatus

from api.problems.problem import Problem


class NoSuchWebhook(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-webhook", "There is no such webhook"


class NoSuchDelivery(Problem):
    status, name, title = HTTPStatus.NOT_FOUND, "no-such-delivery", "There is no such delivery"


class TooManyWebhooks(Problem):
    status, name, title = HTTPStatus.CONFLICT, "too-many-webhooks", "The account has as many webhooks as it may have"


class WebhookDisabled(Problem):
    status, name, title = HTTPStatus.CONFLICT, "webhook-disabled", "The webhook is disabled"
