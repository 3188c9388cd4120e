"""PostgreSQL's connections, on which work waits without a thread, and which execute several statements in one round
trip.

psycopg's cursor takes longer for a small statement than the database does. Fixed statements therefore go to libpq as
they are, by psycopg's own binding: each is prepared once on a connection, and psycopg's adapters convert its values.

Only engines of PostgreSQL import this module: the driver and its libraries take nine megabytes.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InFailedSqlTransaction, InvalidSqlStatementName, OperationalError, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

from adapters import cooperation

_COMMIT: Final = b"COMMIT"
# The server's function that refuses the plan of a prepared statement whose result would have other types now. The code
# of the error is that of everything that is not supported.
_KEPT_PLAN: Final = "RevalidateCachedQuery"


class _Command(NamedTuple):
    sql: bytes
    # As libpq takes them. None: a command that is not worth preparing, without parameters.
    parameters: Sequence[Any] | None = None


class _Cursor(psycopg.Cursor[Any]):
    """Executes the statements left for later before anything else, so that it sees their changes."""

    _conn: PostgresConnection

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self._conn.execute_left()
        return super().execute(*arguments, **options)

    def executemany(self, *arguments: Any, **options: Any) -> None:
        self._conn.execute_left()
        super().executemany(*arguments, **options)


class PostgresConnection(psycopg.Connection[Any]):
    """Sends BEGIN with the first statement of a transaction, and the statements left for later with the next one or
    with COMMIT.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = _Cursor
        self._left: list[_Command] = []
        # The names of the statements that the server has prepared, by their SQL. No name is used twice.
        self._statement_names: dict[bytes, bytes] = {}
        self._name_count = 0
        self._transformer: Any = Transformer.from_context(self)

    def run(self, sql: bytes, *rows: Sequence[Any]) -> tuple[list[list[Any]], int]:
        """Executes a statement, with placeholders $1 and so on, for each row of parameters. Returns the rows that the
        last execution found, and the number of rows that all found or changed. Raises psycopg's errors.
        """
        answers = self._exchange([self._command(sql, row) for row in rows])[-len(rows) :]
        return self._rows(answers[-1]), sum(answer.command_tuples or 0 for answer in answers)

    def leave_for_later(self, sql: bytes, *rows: Sequence[Any]) -> None:
        """Leaves a statement for later in the transaction: for each row of parameters one, whose answer is not needed.
        Its errors come with the next statement or with the commit.
        """
        self._left += [self._command(sql, row) for row in rows]

    def execute_left(self) -> None:
        if self._left:
            self._exchange([])

    @contextmanager
    def without_transaction(self) -> Iterator[None]:
        """Each statement is one of its own, without BEGIN and COMMIT."""
        self.autocommit = True
        try:
            yield
        finally:
            if not self.closed:
                self.autocommit = False

    def commit(self) -> None:
        if not self._left and self.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        committed = self._exchange([_Command(_COMMIT)])[-1]
        if committed.command_status != _COMMIT:
            # An earlier statement had failed, and its error was lost.
            raise InFailedSqlTransaction("the transaction had failed, and was rolled back")

    def rollback(self) -> None:
        self._left.clear()
        # The pool rolls back each connection that it gets back: as a rule, there is nothing.
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().rollback()

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **options: Any) -> Any:
        if not cooperation.is_cooperative():
            return super().wait(gen, *arguments, **options)
        number = self.pgconn.socket
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(cooperation.wait_for_socket(number, wanted))
        except StopIteration as end:
            return end.value

    def _deallocate(self, name: bytes | None) -> Generator[Any, Any, None]:
        """psycopg calls it. It gives up all statements, also those that are not its own, after some rollbacks."""
        if name is None:
            self._statement_names.clear()
        return super()._deallocate(name)

    def _command(self, sql: bytes, row: Sequence[Any]) -> _Command:
        return _Command(sql, self._transformer.dump_sequence(row, [PyFormat.TEXT] * len(row)))

    def _rows(self, answer: PGresult) -> list[list[Any]]:
        if not answer.ntuples:
            return []
        self._transformer.set_pgresult(answer)
        rows: list[list[Any]] = self._transformer.load_rows(0, answer.ntuples, list)
        return rows

    def _exchange(self, commands: list[_Command]) -> list[PGresult]:
        """Executes BEGIN where it is due, what was left, and the commands, in one round trip. Returns their answers.
        Raises the first error; whatever comes after it is not executed.
        """
        due, self._left = [*self._left, *commands], []
        if self.pgconn.transaction_status == TransactionStatus.IDLE and not self.autocommit:
            due.insert(0, _Command(self._get_tx_start_command()))
        answers: list[PGresult] = []
        try:
            sent = self._send(due)
            self.wait(self._receive(answers))
            self.pgconn.exit_pipeline_mode()
        except BaseException:
            # The next answers on this connection would be those of these commands.
            self.close()
            self._raise_first_error(answers)
            raise
        own = []
        for preparation, answer in zip(sent, answers, strict=True):
            if preparation is None:
                own.append(answer)
            elif answer.status == ExecStatus.COMMAND_OK:
                self._statement_names.setdefault(*preparation)
        self._raise_first_error(answers)
        return own

    def _send(self, commands: list[_Command]) -> list[tuple[bytes, bytes] | None]:
        """Queues the commands. Returns for each expected answer None, or the SQL and the name that it prepares."""
        libpq, known = self.pgconn, self._statement_names
        new: dict[bytes, bytes] = {}
        sent: list[tuple[bytes, bytes] | None] = []
        libpq.enter_pipeline_mode()
        for sql, parameters in commands:
            if parameters is None:
                libpq.send_query_params(sql, None)
            else:
                name = known.get(sql) or new.get(sql)
                if name is None:
                    self._name_count += 1
                    name = new[sql] = b"bayar_%d" % self._name_count
                    libpq.send_prepare(name, sql)
                    sent.append((sql, name))
                libpq.send_query_prepared(name, parameters)
            sent.append(None)
        libpq.pipeline_sync()
        return sent

    def _receive(self, answers: list[PGresult]) -> Generator[Wait, Ready, None]:
        """Appends an answer for each command, up to the end of the pipeline."""
        libpq = self.pgconn
        while libpq.flush():
            if (yield Wait.RW) & Ready.R:
                libpq.consume_input()
        while True:
            while libpq.is_busy():
                yield Wait.R
                libpq.consume_input()
            answer = libpq.get_result()
            if answer is None:
                # It follows the answer to each command.
                if libpq.status == ConnStatus.BAD:
                    raise OperationalError(libpq.get_error_message())
            elif answer.status == ExecStatus.PIPELINE_SYNC:
                return
            else:
                answers.append(answer)

    def _raise_first_error(self, answers: list[PGresult]) -> None:
        for answer in answers:
            if answer.status == ExecStatus.FATAL_ERROR:
                failure = error_from_result(answer, encoding=self.info.encoding)
                if isinstance(failure, InvalidSqlStatementName):
                    # A pooler, or a command of another client, deallocated them.
                    self._statement_names.clear()
                elif failure.diag.source_function == _KEPT_PLAN:
                    self._statement_names.clear()
                    raise InvalidSqlStatementName("a column has another type since the preparation") from failure
                raise failure


def connect_postgresql(_dialect: Any, _record: Any, arguments: Any, options: Any) -> psycopg.Connection[Any]:
    """Opens a connection on a thread, also where the pool replaces one that was lost."""
    return cooperation.on_thread(lambda: PostgresConnection.connect(*arguments, **options))
