"""A server of Snowflake's protocol for tests: fakesnow, and what the driver asks of it that it does not know.

Prints its port, and goes when its input ends. What it changes are gaps of fakesnow's: a setting that it has no word for, a file
format that it forgets with the stage that was made with it, and whole numbers of up to 38 digits, for which it has 64 bits.
"""
import sys

import fakesnow

serve = fakesnow.server

import fakesnow.cursor
import fakesnow.server
import fakesnow.transforms

fakesnow.server.shared_fs.nop_regexes = ["ALTER SESSION SET TIMEZONE"]
cursor = fakesnow.cursor.FakeSnowflakeCursor
execute = cursor.execute


def with_format(self, command, *args, **named):
    if command.startswith("COPY INTO IDENTIFIER(?) FROM @ADBC$BIND"):
        command += " FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)"
    return execute(self, command, *args, **named)


cursor.execute = with_format

as_whole = fakesnow.transforms.integer_precision


def as_said(expression):
    return expression if expression.args.get("expressions") else as_whole(expression)


fakesnow.transforms.integer_precision = as_said
with serve() as server:
    print(server["port"], flush=True)
    sys.stdin.read()
