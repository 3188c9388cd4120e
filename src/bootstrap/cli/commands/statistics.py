"""bayar statistics: the progress of the statistics, and their rebuild, whether or not the service runs."""

import argparse
from typing import Final

from application.statistics.payment_facts import FACTS_VERSION
from bootstrap.cli.commands.feed_progress import FeedProgress

_STATISTICS: Final = FeedProgress(
    follower=lambda work: work.statistics,
    name="statistics",
    verb="counts",
    done="counted",
    status_help="show how far the statistics are",
    rebuild_help="count every payment again, in the background of the running service, the newest first",
    version=("facts_version", FACTS_VERSION),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    _STATISTICS.add_arguments(parser)
