"""bayar background: holds the service after a restore, and releases it, whether or not the service runs."""

import argparse

from application.common.validator import Validator
from application.recovery.service_hold import Hold, HoldLevel, HoldStore
from bootstrap.cli.local_database import with_local_database
from bootstrap.cli.terminal.json_option import add_json
from bootstrap.cli.terminal.output import say, write_json
from bootstrap.wiring.clock_and_ids import SystemClock

_HELD = {
    HoldLevel.NONE: "Nothing is held.",
    HoldLevel.BACKGROUND: "Background work is held: resolvers, polling, the gateway's webhooks, events.",
    HoldLevel.ALL: "Background work and callers' changes are held; changes get SERVICE_HELD.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    hold = actions.add_parser("hold", help="stop background work and refuse changes, before a restored database serves")
    hold.add_argument("--reason", default="", help="shown to callers; at most 255 characters")
    hold.add_argument("--accept-calls", action="store_true", help="hold background work only, and accept changes")
    hold.set_defaults(run=lambda parsed: with_local_database(parsed, _hold))
    release = actions.add_parser("release", help="end the hold; every process resumes within about a second")
    release.set_defaults(run=lambda parsed: with_local_database(parsed, _release))
    status = actions.add_parser("status", help="show the hold, its reason and its start")
    status.set_defaults(run=lambda parsed: with_local_database(parsed, _status))
    new_mark = actions.add_parser(
        "new-mark",
        help="give a copied database its own deployment mark, so that it ignores the original's transactions",
    )
    for action in (hold, release, status, new_mark):
        add_json(action)
    new_mark.set_defaults(run=lambda parsed: with_local_database(parsed, _new_mark))


def _hold(parsed: argparse.Namespace, store: HoldStore) -> int:
    level = HoldLevel.BACKGROUND if parsed.accept_calls else HoldLevel.ALL
    checks = Validator()
    reason = checks.plain_text("reason", parsed.reason)
    checks.done()
    store.set_hold(Hold(level, reason, SystemClock().now()))
    return _status(parsed, store)


def _release(parsed: argparse.Namespace, store: HoldStore) -> int:
    store.set_hold(Hold())
    return _status(parsed, store)


def _new_mark(parsed: argparse.Namespace, store: HoldStore) -> int:
    mark = store.renew_mark()
    if parsed.json:
        write_json({"deployment_mark": mark})
    say(f"The deployment mark is {mark} from the next start on. Restart every process that uses this database.")
    return 0


def _status(parsed: argparse.Namespace, store: HoldStore) -> int:
    hold = store.hold()
    if parsed.json:
        since_time = hold.time.isoformat() if hold.time is not None else None
        write_json({"level": hold.level.name, "reason": hold.reason, "since_time": since_time})
        return 0
    since = f" Since {hold.time:%Y-%m-%d %H:%M} UTC." if hold.time is not None else ""
    say(f"{_HELD[hold.level]}{since}{f' {hold.reason}' if hold.reason else ''}")
    return 0
