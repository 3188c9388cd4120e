"""Describes the service's network exposure (addresses, TLS, authentication) in words."""

import logging
from typing import Final

from bayar.channels import is_loopback
from bootstrap.config.authentication_settings import Authentication
from bootstrap.config.settings import Settings

_log = logging.getLogger(__name__)

FREE_GRPC_ADDRESS: Final = "Set BAYAR_GRPC_ADDRESS to a free address, for example 127.0.0.1:50052"
FREE_CHECKOUT_ADDRESS: Final = "Set BAYAR_CHECKOUT_ADDRESS to a free address, for example 127.0.0.1:8083"
FREE_HTTP_ADDRESS: Final = "Set BAYAR_HTTP_ADDRESS to a free address, for example 127.0.0.1:8081"


def encryption_of(settings: Settings) -> str:
    """The transport security of the gRPC port."""
    if settings.tls_certificate_file is None:
        return "plain text"
    return "TLS" if settings.tls_client_ca_file is None else "mutual TLS"


def warn_of_exposure(settings: Settings) -> None:
    if settings.authentication is Authentication.NONE:
        _log.warning("BAYAR_AUTHENTICATION=none: everybody who reaches %s may do everything", settings.grpc_address)
    if settings.tls_certificate_file is None and not is_loopback(settings.grpc_address):
        _log.warning(
            "BAYAR_ALLOW_PLAINTEXT=true: %s serves plain text, card data and credentials included. Something else must "
            "encrypt it",
            settings.grpc_address,
        )
