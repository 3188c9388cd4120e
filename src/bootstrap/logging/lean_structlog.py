"""structlog without rich, which it would import for tracebacks on a terminal. The service has a format of its own."""

import sys

_UNUSED = "rich"

if _UNUSED in sys.modules:
    import structlog
else:
    # An import of a name that stands for None fails as if the package were not installed.
    sys.modules[_UNUSED] = None  # type: ignore[assignment]
    try:
        import structlog
    finally:
        del sys.modules[_UNUSED]

__all__ = ["structlog"]
