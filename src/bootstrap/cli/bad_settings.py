"""Reports configuration errors at the terminal."""

from collections.abc import Callable

from bootstrap.exit_status import USAGE
from bootstrap.logging.nonblocking_output import STDERR


def reporting_bad_settings(start: Callable[[], int]) -> int:
    """Runs `start`, and reports configuration errors on stderr."""
    from bootstrap.config.settings import BadSettings

    try:
        return start()
    except BadSettings as error:
        STDERR.write(f"bayar cannot start:\n{error}")
        return USAGE
