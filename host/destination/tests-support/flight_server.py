"""A server of Arrow's Flight SQL protocol for tests: DuckDB in memory, as a database that calls itself `Anywhere`.

Prints its port, and goes when its input ends. Messages are those of FlightSql.proto, read and written by their fields' numbers.
"""
import os
import sys
import threading

import duckdb
import pyarrow as pa
import pyarrow.flight as flight

NAME, ARROW, READ_ONLY, TRANSACTION = 0, 2, 3, 8


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def message(fields):
    """A message of numbers, and of texts or bytes."""
    out = b""
    for number, value in fields.items():
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def read(data):
    """The last value of each field of a message."""
    fields, at = {}, 0

    def number():
        nonlocal at
        out = shift = 0
        while True:
            byte = data[at]
            at += 1
            out |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return out

    while at < len(data):
        tag = number()
        if tag & 7 == 2:
            length = number()
            fields[tag >> 3], at = data[at : at + length], at + length
        else:
            fields[tag >> 3] = number()
    return fields


def wrapped(name, fields):
    return message({1: f"type.googleapis.com/arrow.flight.protocol.sql.{name}", 2: message(fields)})


def unwrapped(data):
    fields = read(bytes(data))
    return fields[1].decode().rsplit(".", 1)[1], read(fields.get(2, b""))


def schema_bytes(schema):
    return schema.serialize().to_pybytes()


class Server(flight.FlightServerBase):
    def __init__(self):
        super().__init__("grpc://127.0.0.1:0")
        self.root = duckdb.connect()
        self.root.execute("SET TimeZone = 'UTC'")
        self.lock = threading.Lock()
        self.transactions, self.prepared, self.answers = {}, {}, {}

    def cursor(self, transaction):
        return self.transactions[transaction] if transaction else self.root.cursor()

    def run(self, sql, transaction=b"", args=None):
        """The answer to a statement."""
        cursor = self.cursor(transaction)
        try:
            cursor.execute(sql, args or [])
            if cursor.description is None:
                return pa.table({})
            return cursor.to_arrow_table()
        except duckdb.Error as error:
            kind = flight.FlightInternalError if "onstraint" in str(error) else flight.FlightServerError
            raise kind(str(error).splitlines()[0]) from None

    def answer(self, descriptor, table):
        with self.lock:
            handle = os.urandom(8)
            self.answers[handle] = table
        ticket = wrapped("TicketStatementQuery", {1: handle})
        endpoint = flight.FlightEndpoint(ticket, [])
        return flight.FlightInfo(table.schema, descriptor, [endpoint], table.num_rows, -1)

    def get_flight_info(self, context, descriptor):
        name, fields = unwrapped(descriptor.command)
        if name == "CommandGetSqlInfo":
            return self.answer(descriptor, sql_info())
        if name == "CommandStatementQuery":
            return self.answer(descriptor, self.run(fields[1].decode(), fields.get(2)))
        if name == "CommandPreparedStatementQuery":
            sql, transaction, args = self.prepared[fields[1]]
            return self.answer(descriptor, self.run(sql, transaction, args))
        raise flight.FlightServerError(f"{name} is not known")

    def do_get(self, context, ticket):
        _, fields = unwrapped(ticket.ticket)
        return flight.RecordBatchStream(self.answers.pop(fields[1]))

    def do_put(self, context, descriptor, reader, writer):
        name, fields = unwrapped(descriptor.command)
        if name == "CommandStatementUpdate":
            self.run(fields[1].decode(), fields.get(2))
        elif name == "CommandPreparedStatementQuery":
            self.bind(fields[1], reader.read_all())
            return
        elif name == "CommandPreparedStatementUpdate":
            self.bind(fields[1], reader.read_all())
            sql, transaction, args = self.prepared[fields[1]]
            self.run(sql, transaction, args)
        elif name == "CommandStatementIngest":
            page = reader.read_all()
            cursor = self.cursor(fields.get(6))
            cursor.register("page", page)
            table = '"' + fields[2].decode().replace('"', '""') + '"'
            if 3 in fields:
                table = '"' + fields[3].decode().replace('"', '""') + '".' + table
            try:
                cursor.execute(f"CREATE TABLE {table} AS SELECT * FROM page")
            finally:
                cursor.unregister("page")
            writer.write(message({1: page.num_rows}))
            return
        else:
            raise flight.FlightServerError(f"{name} is not known")
        # How many rows a statement has changed is not told.
        writer.write(message({1: (1 << 64) - 1}))

    def bind(self, handle, table):
        sql, transaction, _ = self.prepared[handle]
        args = [column[0].as_py() for column in table.columns]
        self.prepared[handle] = (sql, transaction, args)

    def do_action(self, context, action):
        name, fields = unwrapped(action.body.to_pybytes())
        if action.type == "BeginTransaction":
            handle = os.urandom(8)
            self.transactions[handle] = self.root.cursor().begin()
            return [wrapped("ActionBeginTransactionResult", {1: handle})]
        if action.type == "EndTransaction":
            cursor = self.transactions.pop(fields[1])
            try:
                cursor.commit() if fields[2] == 1 else cursor.rollback()
            except duckdb.Error as error:
                raise flight.FlightServerError(str(error).splitlines()[0]) from None
            return []
        if action.type == "CreatePreparedStatement":
            handle = os.urandom(8)
            self.prepared[handle] = (fields[1].decode(), fields.get(2), [])
            return [wrapped("ActionCreatePreparedStatementResult", {1: handle})]
        if action.type == "ClosePreparedStatement":
            self.prepared.pop(fields[1], None)
            return []
        raise flight.FlightServerError(f"{action.type} is not known")


def sql_info():
    """What the server says of itself: a number and a value of one of six kinds each."""
    kinds = [
        pa.array(["Anywhere", "60.1.0"], pa.utf8()),
        pa.array([False], pa.bool_()),
        pa.array([], pa.int64()),
        # That it has transactions.
        pa.array([1], pa.int32()),
        pa.array([], pa.list_(pa.utf8())),
        pa.array([], pa.map_(pa.int32(), pa.list_(pa.int32()))),
    ]
    names = ["string_value", "bool_value", "bigint_value", "int32_bitmask", "string_list", "int32_to_int32_list_map"]
    values = pa.UnionArray.from_dense(
        pa.array([0, 0, 1, 3], pa.int8()), pa.array([0, 1, 0, 0], pa.int32()), kinds, names
    )
    numbers = pa.array([NAME, ARROW, READ_ONLY, TRANSACTION], pa.uint32())
    schema = pa.schema([pa.field("info_name", pa.uint32(), False), pa.field("value", values.type, False)])
    return pa.Table.from_batches([pa.RecordBatch.from_arrays([numbers, values], schema=schema)])


server = Server()
print(server.port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve()
