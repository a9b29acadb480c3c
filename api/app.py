"""The wiring of the API: settings in, one ASGI application out."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from api import (
    account,
    analyses,
    archives,
    audit_log,
    bodies,
    cancelling,
    completion,
    content,
    cookies,
    email_verifications,
    erasing,
    error_answers,
    events,
    health,
    keys,
    library,
    openapi_document,
    pages,
    parts,
    password_resets,
    receipts,
    revocation,
    sessions,
    thumbnail,
    uploads,
    usage,
    webhook_deliveries,
    webhooks,
)
from api.authentication import Authentication
from api.forecasts import Forecasts
from api.methods import Methods
from api.observation import Observation
from api.rate_limits import RateLimits
from api.services import Services
from api.status_feed import StatusFeed
from api.status_hub import StatusHub
from api.thumbnails import Thumbnails
from runtime.database import Database
from runtime.destinations import Destinations
from runtime.links import S3Links
from runtime.multipart import S3Writers
from runtime.parts import S3Parts
from runtime.settings import Settings
from runtime.storage import S3Storage
from schemas.accounts import ChangePassword, CheckReceipt, CloseAccount, NewKey, RequestReset, ResetPassword, SignIn, SignUp, VerifyEmail
from schemas.resources import AskPartUrls, CompleteUpload, CreateUpload
from schemas.webhooks import ChangeWebhook, NewWebhook, ReplayFailures

VERSION = "1"
#: What routes read by `bodies.read`, for the OpenAPI document.
BODIES = (
    CreateUpload,
    AskPartUrls,
    CompleteUpload,
    SignUp,
    SignIn,
    ChangePassword,
    RequestReset,
    ResetPassword,
    NewKey,
    CloseAccount,
    NewWebhook,
    ChangeWebhook,
    ReplayFailures,
    VerifyEmail,
    CheckReceipt,
)

#: How seldom garbage is looked for: thousands of streams are walked each time, and everybody waits meanwhile.
COLLECTION = (20_000, 20, 20)


def connect(settings: Settings) -> Services:
    """The clients of the real servers; nothing is connected before the application starts."""
    hub = StatusHub()
    database, storage = Database(settings.database_url), S3Storage()
    return Services(
        settings=settings,
        database=database,
        storage=storage,
        writers=S3Writers(),
        parts=S3Parts(),
        links=S3Links(settings.storage.public_url),
        hub=hub,
        feed=StatusFeed(settings.kafka_bootstrap_servers, hub),
        destinations=Destinations(allow_loopback=settings.webhooks.allow_loopback),
        forecasts=Forecasts(database, settings.limits.sound_seconds),
        thumbnails=Thumbnails(settings.storage.bucket, database, storage, settings.limits.of_media),
    )


def create_app(services: Services) -> ASGIApp:
    """The application: every route, who asks before those that are about an account, and the observation around all."""

    limits = RateLimits(services.database, services.settings.api.requests_a_minute)

    def authentication(app: ASGIApp) -> ASGIApp:
        # Not by DefineMiddleware: Litestar copies its arguments, and the key checks would have a pool that nobody closes.
        return Authentication(app, services.database, services.settings, limits)

    versioned = Router(
        "/v1",
        route_handlers=[
            uploads.create_upload,
            library.list_uploads,
            uploads.get_upload,
            uploads.retry_upload,
            erasing.erase_upload,
            cancelling.cancel_upload,
            content.put_content,
            content.get_content,
            thumbnail.get_thumbnail,
            parts.put_part,
            parts.get_parts,
            parts.part_urls,
            completion.complete_upload,
            analyses.get_analysis,
            archives.get_archive,
            events.upload_events,
            events.account_events,
            account.get_account,
            account.change_password,
            account.close_account,
            receipts.get_receipt,
            receipts.get_receipt_items,
            receipts.check_receipt,
            email_verifications.request_verification,
            email_verifications.verify_email,
            password_resets.request_reset,
            password_resets.reset_password,
            keys.list_keys,
            keys.create_key,
            keys.revoke_key,
            audit_log.list_audit,
            usage.get_usage,
            webhooks.list_webhooks,
            webhooks.create_webhook,
            webhooks.get_webhook,
            webhooks.change_webhook,
            webhooks.delete_webhook,
            webhooks.rotate_secret,
            webhook_deliveries.try_webhook,
            webhook_deliveries.list_deliveries,
            webhook_deliveries.get_delivery,
            webhook_deliveries.replay_delivery,
            webhook_deliveries.replay_failures,
            sessions.sign_up,
            sessions.sign_in,
            sessions.get_session,
            sessions.sign_out,
            sessions.list_sessions,
            sessions.end_other_sessions,
            sessions.end_session,
        ],
        middleware=[authentication],
        security=[{"key": []}, {"session": []}],
    )

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        services.feed.start()
        health.serve(services)
        idle = timedelta(seconds=services.settings.accounts.session_idle_seconds)
        watching = asyncio.create_task(revocation.watch(services.database, services.hub, idle))
        gc.freeze()  # what is there now stays: the collector need not walk it for every thousand streams
        gc.set_threshold(*COLLECTION)
        yield
        watching.cancel()
        services.feed.stop()
        services.thumbnails.close()
        await services.database.close()

    page = pages.load(services.links.url, sends_straight=services.settings.storage.page_sends_straight)
    application = Litestar(
        route_handlers=[
            versioned,
            health.healthz,
            *page.routes,
        ],
        dependencies={"services": Provide(lambda: services, sync_to_thread=False)},
        exception_handlers={**error_answers.handlers(), NotFoundException: page.missing},
        lifespan=[life],
        request_max_body_size=bodies.MOST_BYTES,
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="Valence",
            version=VERSION,
            path="/v1",
            render_plugins=[openapi_document.Document()],
            components=Components(
                security_schemes={
                    "key": SecurityScheme(type="http", scheme="bearer", bearer_format="val_live_..."),
                    "session": SecurityScheme(type="apiKey", security_scheme_in="cookie", name=cookies.SECURE_NAME),
                },
            ),
        ),
    )
    described = application.openapi_schema.components
    if described is not None and described.schemas is not None:
        described.schemas.update(bodies.schemas(*BODIES))  # Litestar would overwrite them if they were given to it
    return Observation(Methods(application))
