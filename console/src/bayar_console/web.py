"""Django, configured for the console: no database, no admin, sessions in memory."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler

from bayar_console import words
from bayar_console.configuration import Configuration

_HERE: Final = Path(__file__).parent


def configure(configuration: Configuration) -> None:
    """Sets Django up for this process. Once."""
    words.compile_catalogues(_HERE / "locale")
    origin = urlsplit(configuration.origin)
    secure = configuration.is_secure
    settings.configure(
        CONSOLE=configuration,
        DEBUG=False,
        # Sessions live in this process, so their key may die with it.
        SECRET_KEY=secrets.token_urlsafe(48),
        ALLOWED_HOSTS=[origin.hostname],
        CSRF_TRUSTED_ORIGINS=[configuration.origin],
        ROOT_URLCONF="bayar_console.urls",
        INSTALLED_APPS=["django.contrib.messages", "django.contrib.staticfiles", "django_htmx", "bayar_console"],
        MIDDLEWARE=[
            "bayar_console.security.SecurityHeaders",
            "django.middleware.security.SecurityMiddleware",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "bayar_console.signin.middleware.SignedIn",
            "bayar_console.pages.errors.ServiceErrors",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.template.context_processors.i18n",
                        "django.template.context_processors.tz",
                        "django.contrib.messages.context_processors.messages",
                        "bayar_console.pages.frame.frame",
                    ]
                },
            }
        ],
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}}
        },
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        SESSION_COOKIE_NAME="__Host-console" if secure else "bayar_console",
        SESSION_COOKIE_SECURE=secure,
        # Lax, since the issuer of OpenID Connect sends people back from another site.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_AGE=configuration.session_minutes * 60,
        SESSION_EXPIRE_AT_BROWSER_CLOSE=True,
        CSRF_COOKIE_NAME="__Host-console_csrf" if secure else "bayar_console_csrf",
        CSRF_COOKIE_SECURE=secure,
        CSRF_COOKIE_HTTPONLY=True,
        CSRF_COOKIE_SAMESITE="Strict",
        CSRF_FAILURE_VIEW="bayar_console.pages.errors.form_refused",
        SECURE_REFERRER_POLICY="same-origin",
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https") if secure else None,
        SECURE_HSTS_SECONDS=31_536_000 if secure else 0,
        MESSAGE_STORAGE="django.contrib.messages.storage.session.SessionStorage",
        LANGUAGE_CODE="en",
        LANGUAGES=[("en", "English"), ("id", "Bahasa Indonesia")],
        LANGUAGE_COOKIE_NAME="bayar_console_language",
        LANGUAGE_COOKIE_HTTPONLY=True,
        LANGUAGE_COOKIE_SECURE=secure,
        LANGUAGE_COOKIE_SAMESITE="Lax",
        LOCALE_PATHS=[_HERE / "locale"],
        USE_I18N=True,
        USE_TZ=True,
        TIME_ZONE="UTC",
        STATIC_URL="static/",
        WHITENOISE_USE_FINDERS=True,
        DATA_UPLOAD_MAX_MEMORY_SIZE=12 * 1024 * 1024,
        FILE_UPLOAD_MAX_MEMORY_SIZE=12 * 1024 * 1024,
        LOGGING_CONFIG=None,
    )
    django.setup()


def application() -> ASGIHandler:
    """The console as an ASGI application, after `configure`."""
    return ASGIHandler()
