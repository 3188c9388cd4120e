"""The settings of `startproject`, without the admin, and those that django-payments asks for."""

from __future__ import annotations

import os
import secrets
from typing import Any, Final

import braintree
from sqlalchemy import make_url

from benchmarks.peers.stock_loop import twin_environment

# The provider knows the sandbox and production only.
braintree.Environment.Sandbox = twin_environment()

_URL: Final = make_url(os.environ["SHOP_DATABASE_URL"])
_SQLITE: Final[dict[str, Any]] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": _URL.database,
    # As Django's own documentation has it for concurrent writers.
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"},
}
_POSTGRESQL: Final[dict[str, Any]] = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": _URL.database,
    "USER": _URL.username,
    "PASSWORD": _URL.password or "",
    "HOST": _URL.query.get("host", _URL.host),
    "PORT": _URL.port or "",
}

SECRET_KEY = secrets.token_hex()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "payments",
    "benchmarks.peers.django_shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "benchmarks.peers.django_shop.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
# Connections that stay open: the default opens one for each request.
DATABASES = {"default": {**(_SQLITE if _URL.get_backend_name() == "sqlite" else _POSTGRESQL), "CONN_MAX_AGE": None}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

PAYMENT_HOST = "127.0.0.1"
PAYMENT_USES_SSL = False
PAYMENT_MODEL = "django_shop.Payment"
PAYMENT_VARIANTS = {
    "braintree": (
        "payments.braintree.BraintreeProvider",
        {
            "merchant_id": os.environ["BAYAR_BRAINTREE_MERCHANT_ID"],
            "public_key": os.environ["BAYAR_BRAINTREE_PUBLIC_KEY"],
            "private_key": os.environ["BAYAR_BRAINTREE_PRIVATE_KEY"],
            "sandbox": True,
        },
    )
}
