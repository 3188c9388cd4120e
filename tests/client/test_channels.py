"""Plain text stays on the machine, except on request."""

import grpc
import pytest

from bayar.channels import is_loopback
from bayar.messages import BayarClient

PEM = b"-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:50051",
        "127.3.2.1:50051",
        "localhost:50051",
        "[::1]:50051",
        "unix:/run/bayar.sock",
        "unix:///run/bayar.sock",
        "dns:localhost:50051",
        "dns:///localhost:50051",
        "ipv4:127.0.0.1:50051,127.0.0.2:50051",
        "ipv6:[::1]:50051",
    ],
)
def test_an_address_of_this_machine_is_loopback(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        "bayar.example.com:443",
        "localhost.example.com:50051",
        "127.0.0.1.example.com:50051",
        "10.0.0.1:50051",
        "0.0.0.0:50051",
        "[2001:db8::1]:50051",
        "ipv4:127.0.0.1:50051,10.0.0.1:50051",
        "dns://10.0.0.1/localhost:50051",
        "xds:///localhost",
        "",
    ],
)
def test_every_other_address_is_not(address: str) -> None:
    assert not is_loopback(address)


class Channels:
    """Notes which kind of channel is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kinds: list[str] = []
        insecure, secure = grpc.insecure_channel, grpc.secure_channel

        def note_insecure(target: str, options: object = None) -> grpc.Channel:
            self.kinds.append("plain")
            return insecure(target, options)  # type: ignore[arg-type]

        def note_secure(target: str, credentials: grpc.ChannelCredentials, options: object = None) -> grpc.Channel:
            self.kinds.append("encrypted")
            return secure(target, credentials, options)  # type: ignore[arg-type]

        monkeypatch.setattr(grpc, "insecure_channel", note_insecure)
        monkeypatch.setattr(grpc, "secure_channel", note_secure)


@pytest.mark.parametrize(
    ("address", "options", "kind"),
    [
        ("127.0.0.1:50051", {}, "plain"),
        ("127.0.0.1:50051", {"root_certificates": PEM}, "encrypted"),
        ("127.0.0.1:50051", {"credentials": grpc.ssl_channel_credentials()}, "encrypted"),
        ("bayar.example.com:443", {}, "encrypted"),
        ("bayar.example.com:443", {"credentials": grpc.ssl_channel_credentials()}, "encrypted"),
        ("bayar.example.com:443", {"insecure": True}, "plain"),
    ],
)
def test_only_loopback_or_insecure_is_plain_text(
    monkeypatch: pytest.MonkeyPatch, address: str, options: dict[str, object], kind: str
) -> None:
    channels = Channels(monkeypatch)
    BayarClient(address, **options).close()  # type: ignore[arg-type]
    assert channels.kinds == [kind]


@pytest.mark.parametrize(
    ("address", "options", "why"),
    [
        ("https://bayar.example.com", {}, "without a scheme"),
        ("a:1", {"insecure": True, "root_certificates": PEM}, "insecure"),
        ("a:1", {"insecure": True, "credentials": grpc.ssl_channel_credentials()}, "insecure"),
        ("a:1", {"root_certificates": PEM, "credentials": grpc.ssl_channel_credentials()}, "not both"),
    ],
)
def test_contradictions_are_refused(address: str, options: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        BayarClient(address, **options)  # type: ignore[arg-type]
