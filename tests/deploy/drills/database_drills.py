"""Faults of the database."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Final

import psycopg

from braintree_twin.control import ControlError
from tests.deploy.drills.drill import Drill, Plan
from tests.end_to_end.service import until

OLDEST_TRANSACTIONS: Final = (
    'psql "$BAYAR_DATABASE_URL" -c "SELECT pid, now() - xact_start AS age, wait_event_type, left(query, 60) '
    'FROM pg_stat_activity WHERE datname = current_database() ORDER BY age DESC NULLS LAST LIMIT 10"'
)


def a_database_that_is_down(drill: Drill) -> None:
    drill.stack.postgres.crash()
    drill.fault("PostgreSQL is killed")
    done = threading.Event()
    threading.Thread(target=_send_webhooks, args=(drill, done), daemon=True).start()
    drill.fires("BayarDatabaseDown", "BayarWebhooksNotStored")
    drill.shell("curl -i http://bayar-1:8080/readyz")
    drill.log("database", most=3)
    done.set()
    drill.stack.postgres.start()
    drill.say("PostgreSQL is started")
    until(lambda: "2 of 2" in drill.ready(), seconds=60, what="readiness")
    drill.shell("curl -i http://bayar-1:8080/readyz")
    drill.is_over("BayarDatabaseDown", "BayarWebhooksNotStored")
    drill.resolved()


def _send_webhooks(drill: Drill, done: threading.Event) -> None:
    while not done.wait(0.5):
        with suppress(ControlError, OSError):
            drill.stack.twin.control.send_webhook("transaction_settled", "drill")


def a_replica_without_a_database(drill: Drill) -> None:
    drill.stack.execute("ALTER ROLE second NOLOGIN")
    drill.stack.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'second'")
    drill.fault("PostgreSQL refuses the user of the second replica")
    drill.fires("BayarDatabaseNotReached")
    drill.shell("curl -i http://bayar-2:8080/readyz")
    drill.log("database", replica=2, most=1)
    drill.stack.execute("ALTER ROLE second LOGIN")
    drill.say("PostgreSQL accepts it again")
    drill.is_over("BayarDatabaseNotReached")
    drill.shell("curl -i http://bayar-2:8080/readyz")


def a_transaction_that_holds_locks(drill: Drill) -> None:
    drill.stack.start_callers(16)
    report = psycopg.connect(drill.stack.database_url)
    report.execute("LOCK TABLE payments IN EXCLUSIVE MODE")
    drill.fault("somebody's transaction locks the table of payments")
    drill.fires("BayarDatabaseConnectionsUsedUp")
    drill.shell(OLDEST_TRANSACTIONS, lines=9)
    drill.shell(f'psql "$BAYAR_DATABASE_URL" -c "SELECT pg_terminate_backend({report.info.backend_pid})"')
    report.close()
    drill.is_over("BayarDatabaseConnectionsUsedUp")
    drill.resolved()


def a_report_that_locks_again_and_again(drill: Drill) -> None:
    with psycopg.connect(drill.stack.database_url, autocommit=True) as report:
        drill.fault("somebody's report locks the table of payments for a second and a half, again and again")
        threading.Thread(target=_lock_again_and_again, args=(report,), daemon=True).start()
        drill.fires("BayarDatabaseSlow")
        drill.shell(OLDEST_TRANSACTIONS, lines=7)
        drill.shell(f'psql "$BAYAR_DATABASE_URL" -c "SELECT pg_terminate_backend({report.info.backend_pid})"')
        drill.is_over("BayarDatabaseSlow")


def _lock_again_and_again(report: psycopg.Connection) -> None:
    with suppress(psycopg.Error):
        while True:
            with report.transaction():
                report.execute("LOCK TABLE payments IN EXCLUSIVE MODE")
                report.execute("SELECT pg_sleep(1.5)")


def a_schema_that_lacks_a_table(drill: Drill) -> None:
    drill.stack.execute("ALTER TABLE disputes RENAME TO disputes_gone")
    drill.fault("the table of disputes is gone, as if a migration were missing")
    drill.shell("bayar disputes list")
    drill.fires("BayarInternalErrors", "BayarBackgroundJobFailing")
    drill.log("background job .* fails|bayar.calls call .*INTERNAL", most=3)
    drill.shell("bayar migrate --check")
    drill.stack.execute("ALTER TABLE disputes_gone RENAME TO disputes")
    drill.say("the table is there again")
    drill.shell("bayar disputes list")
    drill.is_over("BayarBackgroundJobFailing", "BayarInternalErrors")


DATABASE_DRILLS: Final = (
    Plan(("BayarDatabaseDown", "BayarWebhooksNotStored"), a_database_that_is_down),
    Plan(("BayarDatabaseNotReached",), a_replica_without_a_database, {"2:BAYAR_DATABASE_URL": "second"}, replicas=2),
    Plan(("BayarDatabaseConnectionsUsedUp",), a_transaction_that_holds_locks, {"BAYAR_DATABASE_CONNECTIONS": "4"}),
    Plan(("BayarDatabaseSlow",), a_report_that_locks_again_and_again),
    Plan(("BayarInternalErrors", "BayarBackgroundJobFailing"), a_schema_that_lacks_a_table),
)
