//! Servers of databases that the tests start out of Python's packages, gone with the tests however they end.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::skipped::skipped;

/// A server on a free port of loopback. It goes when its input ends, which it does with the process of the tests.
pub(crate) struct Server {
    port: u16,
    _child: Child,
}

impl Server {
    fn start(script: &str, packages: &OsStr) -> Self {
        // From the tests of any crate of the workspace.
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|up| up.join("host/destination"));
        let script = Path::new("tests-support").join(script);
        let script = crates.map(|it| it.join(&script)).find(|it| it.exists()).expect("the script");
        let mut command = Command::new("python3");
        command.arg(script).env("PYTHONPATH", packages).env("TZ", "UTC");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the server says its port");
        Self { port, _child: child }
    }
}

/// The address of a schema of Snowflake's, as fakesnow has it; none, with a word about it, where that is not there.
pub(crate) fn snowflake(schema: &str) -> Option<String> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    let server = SHARED.get_or_init(|| start("fake_snowflake.py", "Snowflake's protocol")).as_ref()?;
    let sql = "adbc.snowflake.sql";
    Some(format!(
        "adbc:snowflake?username=tester&password=geheim&{sql}.account=fake&{sql}.db=LAKE&{sql}.uri.protocol=http\
         &{sql}.uri.host=127.0.0.1&{sql}.uri.port={}&{sql}.client_option.disable_telemetry=true&schema={schema}&{}",
        server.port,
        driver("snowflake")?
    ))
}

/// The address of a schema of a database that nobody knows, behind Flight SQL; none, with a word about it, where it cannot be
/// started.
pub(crate) fn flight(schema: &str) -> Option<String> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    let server = SHARED.get_or_init(|| start("flight_server.py", "Flight SQL")).as_ref()?;
    Some(format!(
        "adbc:flightsql?uri=grpc://127.0.0.1:{}&schema={schema}&{}",
        server.port,
        driver("flightsql")?
    ))
}

fn start(script: &str, what: &str) -> Option<Server> {
    let Some(folder) = std::env::var_os("SANDERLING_FAKESNOW") else {
        skipped(&format!("{what}, since SANDERLING_FAKESNOW does not name the folder that holds fakesnow"));
        return None;
    };
    Some(Server::start(script, &folder))
}

fn driver(name: &str) -> Option<String> {
    let Ok(folder) = std::env::var("SANDERLING_ADBC") else {
        skipped("ADBC, since SANDERLING_ADBC does not name a folder of drivers");
        return None;
    };
    Some(format!("driver={folder}/adbc_driver_{name}/libadbc_driver_{name}.so"))
}
