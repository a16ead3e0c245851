# Reads a folder of Parquet files with whatever is there, and prints what it found.
import datetime, glob, sys

files = sorted(glob.glob(sys.argv[1] + "/*.parquet"))
readers = []
try:
    import pyarrow as pa, pyarrow.parquet as pq

    tables = [pq.read_table(file) for file in files]
    readers.append(("pyarrow", pa.concat_tables(tables, promote_options="default").to_pylist()))
except ImportError:
    pass
try:
    import duckdb

    duckdb.sql("set timezone = 'UTC'")
    found = duckdb.sql(f"select * from read_parquet({files!r}, union_by_name = true) order by id")
    readers.append(("duckdb", [dict(zip(found.columns, row)) for row in found.fetchall()]))
except ImportError:
    pass
if not readers:
    print("skipped: neither pyarrow nor duckdb is there")
for name, rows in readers:
    def of(column):
        return [int(v) if column == "big" and v is not None else v for v in (row[column] for row in rows)]
    at = rows[0]["at"].astimezone(datetime.timezone.utc)
    one = rows[0]
    print(f"{name}: {len(files)} files; id={of('id')}; big={of('big')}; at={at}; n={one['n']}; "
          f"user={one['user']}; tags={one['tags']}; late={of('late')}")
