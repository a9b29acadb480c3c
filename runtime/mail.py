"""Mail by the operator's SMTP server."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage

from runtime.errors import DependencyUnavailable
from runtime.settings import Mail

SECONDS = 20.0


async def send(settings: Mail, recipient: str, subject: str, text: str) -> None:
    """Return when the server has taken the mail; DependencyUnavailable if it has not."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.sender, recipient, subject
    message.set_content(text)
    try:
        await asyncio.to_thread(_send, settings, message)
    except (OSError, smtplib.SMTPException) as error:
        raise DependencyUnavailable("mail", error) from error


def _send(settings: Mail, message: EmailMessage) -> None:
    with _connected(settings) as server:
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.username:
            server.login(settings.username, settings.password)
        server.send_message(message)


def _connected(settings: Mail) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(settings.host, settings.port, timeout=SECONDS)
