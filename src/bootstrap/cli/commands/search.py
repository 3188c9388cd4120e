"""bayar search: the progress of the search index, and its rebuild, whether or not the service runs."""

import argparse
from typing import Final

from application.search.search_terms import TERMS_VERSION
from bootstrap.cli.commands.feed_progress import FeedProgress

_INDEX: Final = FeedProgress(
    follower=lambda work: work.search,
    name="search",
    verb="indexes",
    done="indexed",
    status_help="show how far the index is",
    rebuild_help="index every payment again, in the background of the running service; searches work meanwhile",
    version=("terms_version", TERMS_VERSION),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    _INDEX.add_arguments(parser)
