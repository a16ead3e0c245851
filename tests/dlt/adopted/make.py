"""Makes the database files that dlt leaves, and a dump of a PostgreSQL database: `make.py FOLDER POSTGRESQL-URL PG_DUMP`."""
import http.server, json, os, subprocess, sys, threading
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
import dlt
from dlt.sources.rest_api import rest_api_source

EVENTS = [
    {"id": n, "at": f"2024-01-0{n}T10:00:00Z", "kind": "made", "size": n * 1.5, "labels": [{"name": "a", "n": n}, {"name": "b", "n": n}], "user": {"loginName": f"u{n}"}}
    for n in range(1, 4)
] + [{"id": 4, "at": "2024-01-03T10:00:00Z", "kind": "made", "size": 6.0, "labels": [], "user": {"loginName": "u4"}}]
ISSUES = [{"id": n, "title": f"issue {n}", "updatedAt": 1700000000 + n} for n in range(1, 6)]

class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        rows = EVENTS if self.path.startswith("/events") else ISSUES
        body = json.dumps(rows).encode()
        self.send_response(200); self.send_header("content-type", "application/json"); self.send_header("content-length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass

server = http.server.HTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=server.serve_forever, daemon=True).start()
config = {
    "client": {"base_url": f"http://127.0.0.1:{server.server_port}/", "paginator": "single_page"},
    "resources": [
        {"name": "events", "endpoint": {"path": "events", "params": {"since": {"type": "incremental", "cursor_path": "at", "initial_value": "2024-01-01T00:00:00Z"}}}},
        {"name": "issues", "primary_key": "id", "write_disposition": "merge",
         "endpoint": {"path": "issues", "incremental": {"cursor_path": "updatedAt", "initial_value": 0, "start_param": "from"}}},
    ],
}
folder = os.path.abspath(sys.argv[1]); os.makedirs(folder, exist_ok=True); os.chdir(folder)
url, pg_dump = sys.argv[2:4]
for name, destination, dataset in [
    ("duck", dlt.destinations.duckdb("duck.duckdb"), "tracker"),
    ("lite", dlt.destinations.sqlalchemy(f"sqlite:///{folder}/lite.db"), "main"),
    ("elephant", dlt.destinations.postgres(url), "tracker"),
]:
    pipeline = dlt.pipeline(name, destination=destination, dataset_name=dataset, pipelines_dir=os.path.join(folder, "pipelines"))
    print(pipeline.run(rest_api_source(config)))
dump = subprocess.run([pg_dump, "--inserts", "--no-owner", "--no-privileges", "--schema=tracker", url], check=True, capture_output=True, text=True)
# What begins with a backslash is for psql alone.
lines = [line for line in dump.stdout.splitlines() if line and not line.startswith(("--", "\\"))]
with open("tracker.sql", "w") as file:
    file.write("\n".join(lines) + "\n")
