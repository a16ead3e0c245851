//! Each typed error as a person reads it: by hand, one of every kind.

mod state;

use std::io;

use insta::assert_snapshot;
use sanderling_destination::{
    DataError, DataErrorKind, DataType, DestinationError, NameError, ServerFailure, SharedByParents,
    StoreFailure, Target,
};
use sanderling_gate::{Denial, GateError, Origin, Place, Reach, Rule, VaultError};

use super::*;
use crate::contract::{BadResponse, Diagnostic, Fault, HttpFailure, Notice, Setting};
use crate::document::edit::EditError;
use crate::document::{Format, parse};
use crate::error::{AdoptError, Error, WatermarkError};
use crate::openapi::Kind;
use crate::report;
use crate::retry::Reason;
use crate::run::outcome::{Cause, Failure, Follows, ParentKey, RunNotice};
use crate::run::plan::PlanError;
use crate::run::resume::Why;
use crate::run::truth::Refusal;
use crate::sample::{Compared, Difference, Finding, Gap, Miss, NotCompared};
use crate::sandbox::{CallError, ListError, LoadError, Trap};
use crate::show::Paint;
use crate::source::ConnectorError;

#[test]
fn of_several_codes_the_first_in_order_counts() {
    assert_eq!(exit::of_several([]), 0);
    assert_eq!(exit::of_several([1, 4]), 4);
    assert_eq!(exit::of_several([4, 5, 1]), 5);
    assert_eq!(exit::of_several([4, 5, 3, 1]), 3);
    assert_eq!(exit::of_several([1, 3, 2]), 2);
}

/// As it is printed, behind its exit code.
fn told(words: &Words) -> String {
    format!("{} {}", words.code, report::lines(words, Paint::Plain))
}

fn all(words: impl IntoIterator<Item = Words>) -> String {
    words.into_iter().map(|words| told(&words)).collect()
}

/// A config in which settings have their places.
fn config() -> Document {
    let text =
        "client: {base_url: https://api.example.com}\nresources:\n  - name: tasks\n    endpoint: tasks\n";
    parse("time.yaml", text, Format::Yaml).unwrap()
}

fn ours(failure: &Failure) -> Words {
    of_failure(failure, Subject { config: &config(), whose: Whose::Ours })
}

fn errors(errors: impl IntoIterator<Item = Error>) -> String {
    all(errors.into_iter().map(|error| of_error(&error, Paint::Plain)))
}

fn exchange(status: Option<u16>) -> Exchange {
    Exchange {
        method: "GET".into(),
        url: "https://api.example.com/v1/tasks?api_key=***&offset=200".into(),
        origin: None,
        status,
        placed: Vec::new(),
        retry_after: None,
        request_id: Some("req-7".into()),
        elapsed_ms: 12,
        sent_bytes: 0,
        received_bytes: 0,
        masked: false,
        redirects: 0,
        for_token: false,
        kept: false,
        token_spent: false,
        rate: Vec::new(),
    }
}

fn failure(cause: Cause) -> Failure {
    Failure {
        resource: "tasks".into(),
        partition_key: Some("[7]".into()),
        page: 3,
        attempts: 4,
        exchange: Some(exchange(None)),
        cause,
    }
}

fn failures(causes: impl IntoIterator<Item = Cause>) -> String {
    all(causes.into_iter().map(|cause| ours(&failure(cause))))
}

fn fault(fault: Fault) -> Cause {
    Cause::Fault { fault, reason: Reason::Exhausted }
}

fn http(status: u16, message: &str) -> Fault {
    let excerpt = "{\"error\": \"no\",\n \"trace\": 5}".into();
    Fault::Http(HttpFailure { status, retry: None, retry_after: None, message: message.into(), excerpt })
}

#[test]
fn what_an_api_refuses() {
    let sent = |place: Place| {
        let placed = vec![("api_key".into(), place)];
        let exchange = Some(Exchange { placed, ..exchange(Some(401)) });
        ours(&Failure { exchange, ..failure(fault(http(401, ""))) })
    };
    let waits = Cause::Fault { fault: http(429, ""), reason: Reason::WaitTooLong { wait_ms: 900_000 } };
    let bad =
        BadResponse { message: "row 2 of the page is null".into(), excerpt: "null".into(), retry: false };
    let bad = Failure {
        exchange: Some(exchange(Some(200))),
        attempts: 1,
        ..failure(fault(Fault::BadResponse(bad)))
    };
    assert_snapshot!(format!(
        "{}{}{}",
        failures(
            [http(401, ""), http(400, "the API answered 400 (bad request)"), http(404, ""), http(503, "")]
                .map(fault)
        ),
        all([sent(Place::Basic), sent(Place::Query("key".into())), sent(Place::Header("x_key".into()))]),
        all([ours(&failure(waits)), ours(&bad)]),
    ));
}

/// Of each status: whether the page is asked for again, and what the program exits with when that was in vain.
#[test]
fn each_status_is_asked_again_or_not_and_has_its_exit_code() {
    use crate::retry::{Attempts, Decision, Failure, RetryPolicy};

    let cases = [
        (400, false, exit::OTHER),
        (401, false, exit::CREDENTIAL),
        (403, false, exit::CREDENTIAL),
        (404, false, exit::OTHER),
        (405, false, exit::OTHER),
        (408, false, exit::LATER),
        (418, false, exit::OTHER),
        (429, true, exit::LATER),
        (500, true, exit::LATER),
        (502, true, exit::LATER),
        (503, true, exit::LATER),
        (504, true, exit::LATER),
        (508, false, exit::LATER),
    ];
    for (status, again, code) in cases {
        let failed = Failure::Status { status, retry: None, retry_after: None };
        let decision = Attempts::default().next(&RetryPolicy::default(), failed, 0, 0.0);
        assert_eq!(matches!(decision, Decision::After { .. }), again, "{status}");
        assert_eq!(code_of_cause(&fault(http(status, ""))), code, "{status}");
    }
    // No name, no connection, no answer: later. What is no URL: the config.
    let unreached = |error: GateError| code_of_cause(&Cause::Unreached(Box::new(error)));
    let gone = GateError::Resolve { host: "a.b".into(), reason: "no such host".into() };
    assert_eq!(unreached(gone), exit::LATER);
    assert_eq!(unreached(GateError::FirstByteTimeout { limit_ms: 1 }), exit::LATER);
    let no_url = Denial::Url { problem: "its scheme is neither http nor https" };
    assert_eq!(code_of_cause(&Cause::Denied(Box::new(no_url))), exit::CONFIG);
}

#[test]
fn no_token() {
    let of = |fault: Fault, reason| {
        let placed = vec![("client_secret".into(), Place::Field("client_secret".into()))];
        let url = "https://login.example.com/token".into();
        let status = if let Fault::Http(http) = &fault { http.status } else { 200 };
        let exchange =
            Exchange { method: "POST".into(), url, placed, for_token: true, ..exchange(Some(status)) };
        let cause = Cause::of(fault, reason, None, Some(&exchange));
        Failure { exchange: Some(exchange), attempts: 1, ..failure(cause) }
    };
    let http = |status| http(status, "no token from https://login.example.com/token: it answered so");
    let bad = BadResponse { message: "no token in it".into(), excerpt: String::new(), retry: false };
    let all_of = |say: &dyn Fn(&Failure) -> Words| {
        let statuses = [200, 400, 401, 403, 404, 429, 503];
        let refused = statuses.map(|status| say(&of(http(status), Reason::NotRetryable)));
        let bad = say(&of(Fault::BadResponse(bad.clone()), Reason::NotRetryable));
        all(refused.into_iter().chain([bad, say(&of(http(503), Reason::WaitTooLong { wait_ms: 900_000 }))]))
    };
    assert_snapshot!(all_of(&ours));
    let foreign =
        |failure: &Failure| of_failure(failure, Subject { config: &config(), whose: Whose::Foreign });
    assert_snapshot!("no_token_to_another_ones_connector", all_of(&foreign));
}

/// A token's own address is what is wrong then, wherever the config says it.
#[test]
fn what_tokens_are_asked_for_at() {
    let oauth = "{type: oauth2_client_credentials, access_token_url: 'https://login.example.com:8443/t'}";
    let login = |path: &str| format!("{{type: session_token, path: '{path}', token_path: t}}");
    let auths = [
        format!("client: {{base_url: 'https://api.example.com', auth: {oauth}}}"),
        format!("client: {{auth: {}}}", login("https://LOGIN.example.com:8443/l")),
        format!(
            "resources: [{{endpoint: {{auth: {}}}}}, {{endpoint: {{auth: {oauth}}}}}]",
            login("https://b.io/l")
        ),
        // Under the base URL, or with a secret in the host.
        format!("client: {{auth: {}}}", login("/l")),
        "client: {auth: {type: oauth2_jwt_bearer, access_token_url: 'https://${secrets.tenant}/t'}}"
            .to_owned(),
    ];
    let errors = || {
        [
            GateError::Resolve { host: "login.example.com".into(), reason: "no such host".into() },
            GateError::NotTls { host: "login.example.com".into() },
            GateError::TotalTimeout { limit_ms: 300_000 },
        ]
    };
    let told = auths.iter().map(|text| {
        let config = parse("time.yaml", text, Format::Yaml).unwrap();
        let hints = errors()
            .into_iter()
            .map(|error| Cause::Unreached(Box::new(error)))
            .chain([Cause::Token { fault: http(404, "no token"), reason: Reason::NotRetryable }]);
        let hints = hints.map(|cause| {
            let url = "https://login.example.com:8443/t".into();
            let exchange = Some(Exchange { url, for_token: true, ..exchange(None) });
            let failure = Failure { exchange, ..failure(cause) };
            of_failure(&failure, Subject { config: &config, whose: Whose::Ours }).hints.join("\n")
        });
        format!("{text}\n{}\n", hints.collect::<Vec<_>>().join("\n"))
    });
    assert_snapshot!(told.collect::<String>());
}

#[test]
fn what_never_came() {
    let host = || "api.example.com".to_owned();
    let reason = || "the system's words (os error 111)".to_owned();
    let cases = [
        GateError::Resolve { host: host(), reason: reason() },
        GateError::Connect { host: host(), address: "192.0.2.1:443".parse().unwrap(), reason: reason() },
        GateError::Tls { host: host(), reason: "invalid peer certificate: UnknownIssuer".into() },
        GateError::NotTls { host: host() },
        GateError::ConnectTimeout { host: host(), limit_ms: 10_000 },
        GateError::FirstByteTimeout { limit_ms: 60_000 },
        GateError::IdleTimeout { limit_ms: 30_000 },
        GateError::TotalTimeout { limit_ms: 300_000 },
        GateError::Broken { reason: reason() },
        GateError::Body { reason: reason() },
        GateError::TooLarge { limit_bytes: 64 << 20 },
        GateError::HeadTooLarge { limit_bytes: 65_536 },
        GateError::Encoding { encoding: "br".into() },
        GateError::TooManyRedirects { limit: 5 },
        GateError::RedirectLoop { url: "https://api.example.com/v1".into() },
        GateError::BadRedirect { reason: "`Location` is not UTF-8".into() },
        GateError::Request { reason: "HTTP cannot carry this URL".into() },
    ];
    let cases =
        cases.map(|error| Cause::of(Fault::Transport(String::new()), Reason::Exhausted, Some(&error), None));
    assert_snapshot!(failures(cases.into_iter().chain([fault(Fault::Transport("dns timeout".into()))])));
}

#[test]
fn what_the_gate_refuses() {
    let origin = || "https://files.example.com".parse().unwrap();
    let secret = || "api_key".to_owned();
    let address = |reach, rule: Option<&str>| Denial::Address {
        host: "files.example.com".into(),
        address: "10.0.0.1".parse().unwrap(),
        reach,
        rule: rule.map(str::to_owned),
    };
    let cases = [
        Denial::Url { problem: "its scheme is neither http nor https" },
        Denial::Origin { origin: origin(), rule: "https://files.example.com".into() },
        address(Reach::Private, Some("private:https://files.example.com")),
        address(Reach::Loopback, None),
        address(Reach::LinkLocal, None),
        address(Reach::Unusable, None),
        Denial::Method {
            method: "DELETE".into(),
            origin: origin(),
            rule: Some("DELETE https://files.example.com".into()),
        },
        Denial::Method { method: "A B".into(), origin: origin(), rule: None },
        Denial::Downgrade { from: origin(), to: "http://files.example.com".parse().unwrap() },
        Denial::SecretPlace { secret: secret(), place: "the path".into() },
        Denial::SecretBinding { secret: secret(), place: Place::Query("q".into()) },
        Denial::SecretOrigin { secret: secret(), origin: origin() },
        Denial::SecretPlaintext { secret: secret(), origin: "http://files.example.com".parse().unwrap() },
        Denial::SecretValue { secret: secret(), place: Place::Basic, problem: "holds a control character" },
    ];
    let led = |denial: &Denial| {
        let cause = Cause::Denied(Box::new(denial.clone()));
        ours(&Failure { exchange: Some(exchange(Some(302))), attempts: 1, ..failure(cause) })
    };
    let redirected = led(&cases[1]);
    let denied = cases.map(|denial| {
        Cause::of(Fault::Denied("no".into()), Reason::NotRetryable, Some(&GateError::Denied(denial)), None)
    });
    assert_snapshot!(format!("{}{}", failures(denied), told(&redirected)));
}

fn null_key() -> DataError {
    DataError { resource: "tasks".into(), row: Some(4), kind: DataErrorKind::KeyNull { field: "id".into() } }
}

#[test]
fn rows_that_are_refused_one_by_one() {
    let row = |key: Option<&str>| Cause::Row {
        error: Box::new(null_key()),
        key: key.map(str::to_owned),
        excerpt: "{\"id\": null}".into(),
    };
    let causes = [row(None), row(Some("id = 7")), Cause::NotRetried(Why::ConfigChanged)];
    let foreign = failure(Cause::NotRetried(Why::Refused));
    let foreign = of_failure(&foreign, Subject { config: &config(), whose: Whose::Foreign });
    assert_snapshot!(format!("{}{}", failures(causes), told(&foreign)));
}

#[test]
fn what_is_not_the_whole_truth() {
    let cases = [
        Refusal::Repeated { page: 3 },
        Refusal::Short { received: 90, total: 100 },
        Refusal::SharedKeys { rows: 10, keys: 7, total: 10, key: "id".into() },
        Refusal::SharedByParents {
            shared: SharedByParents { first: (0, "[1]".into()), second: (1_234_566, "[2]".into()) },
            key: vec!["id".into()],
        },
        Refusal::TooManyAbsent { absent: 7, rows: 90, max_percent: 5 },
        Refusal::TooManyRows { refused: 9, rows: 100, first: Box::new(null_key()) },
        Refusal::Circular,
        Refusal::Split { cursors: 0 },
        Refusal::Stranger { child: "notes".into() },
        Refusal::HoldsToken { token: "access_token".into() },
        Refusal::Miscounted { received: 3, kept: 2, lines: 1 },
    ];
    let halted =
        |in_a_row, again_at_ms| Cause::Halted { origin: "https://a.b".into(), in_a_row, again_at_ms };
    assert_snapshot!(format!(
        "{}{}",
        failures(cases.map(Cause::Refused)),
        all([halted(1, None), halted(3, None), halted(3, Some(1_600_000_000_000))]
            .map(|cause| { ours(&Failure { attempts: 0, exchange: None, ..failure(cause) }) }))
    ));
}

#[test]
fn what_a_destination_does_not_take() {
    let columns = || vec!["id".to_owned()];
    let twice = || DataErrorKind::DuplicateAcrossParents {
        columns: columns(),
        key: vec!["7".into()],
        first_partition: "[1]".into(),
        second_partition: "[2]".into(),
    };
    let of = |kind, parent| Cause::Data {
        error: Box::new(DataError { resource: "tasks".into(), row: Some(1), kind }),
        parent,
    };
    let parent = |carried: &[&str]| ParentKey {
        parent: "projects".into(),
        primary_key: columns(),
        carried: carried.iter().map(|name| (*name).to_owned()).collect(),
    };
    let field = || "id".to_owned();
    let kinds = [
        DataErrorKind::NotUtf8,
        DataErrorKind::NotJson { message: "expected value at line 1 column 2".into() },
        DataErrorKind::NullRow,
        DataErrorKind::Count { declared: 3, found: 2 },
        DataErrorKind::ReservedField { field: "_load_id".into() },
        DataErrorKind::FieldsCollide { column: field(), first: "Id".into(), second: field() },
        DataErrorKind::FieldTwice { field: field() },
        DataErrorKind::BadFieldName { field: "a\0b".into() },
        DataErrorKind::TooManyColumns { limit: 2_000 },
        DataErrorKind::Frozen { table: "tasks".into(), what: "a new column, `b`".into() },
        DataErrorKind::ListTable { table: "tasks__tags".into(), reason: "it is a table of `tags`".into() },
        DataErrorKind::KeyMissing { field: field() },
        DataErrorKind::KeyNull { field: field() },
        DataErrorKind::ColumnMissing { column: field() },
        DataErrorKind::ColumnNull { column: field() },
        DataErrorKind::ColumnType { column: field(), declared: DataType::Bigint, found: "\"n/a\"".into() },
        twice(),
    ];
    assert_snapshot!(format!(
        "{}{}",
        failures(kinds.map(|kind| of(kind, None))),
        failures([of(twice(), Some(parent(&[]))), of(twice(), Some(parent(&["_projects_id"])))])
    ));
}

#[test]
fn what_a_destination_meets() {
    let path = || "out.db".into();
    let cause = || "the system's words (os error 13)".to_owned();
    let data = DataError { resource: "tasks".into(), row: Some(0), kind: DataErrorKind::NullRow };
    let server = |failure| DestinationError::Server {
        at: "postgresql://ada@db.example/sales".into(),
        cause: "the server's words (SQLSTATE 12345)".into(),
        failure,
    };
    let store_at = |at: &str, failure| DestinationError::Store {
        at: at.into(),
        cause: "tasks (403 Forbidden; AccessDenied)".into(),
        failure,
    };
    let store = |failure| store_at("s3://lake/raw", failure);
    let cases = [
        DestinationError::Locked { path: path(), by: "run" },
        DestinationError::Unwritable { path: path(), cause: cause() },
        DestinationError::Full { path: path(), cause: cause() },
        DestinationError::Memory { path: path(), cause: cause() },
        DestinationError::Data(Box::new(data)),
        DestinationError::Name(NameError {
            resource: "a".into(),
            reason: "merge needs a primary key".into(),
        }),
        DestinationError::NotOurs {
            name: "out.db".into(),
            reason: "the file is not an SQLite database".into(),
        },
        DestinationError::Corrupt { path: path(), reason: "line 3 is not what a run writes".into() },
        DestinationError::NoDriver { name: "duckdb".into(), cause: "no such file".into() },
        DestinationError::NoDriver { name: "snowflake".into(), cause: "Driver not found: snowflake".into() },
        DestinationError::Database { path: path(), cause: cause() },
        DestinationError::Stopped { path: path() },
        DestinationError::NotBegun { resource: "tasks".into() },
        DestinationError::Io { path: path(), cause: io::Error::other("the disk is on fire") },
        server(ServerFailure::Busy),
        server(ServerFailure::Lost),
        server(ServerFailure::LostInCommit),
        server(ServerFailure::Denied),
        DestinationError::Server {
            at: "adbc:postgresql?uri=postgresql://ada@db.example/sales".into(),
            cause: "password authentication failed".into(),
            failure: ServerFailure::Denied,
        },
        server(ServerFailure::Settings),
        server(ServerFailure::Other),
        store(StoreFailure::Denied),
        store_at("gs://lake/raw", StoreFailure::Denied),
        store_at("az://lake/raw", StoreFailure::Denied),
        store(StoreFailure::NoBucket),
        store(StoreFailure::Lost),
        store(StoreFailure::LostInCommit),
        store(StoreFailure::Unconditional),
        store(StoreFailure::Settings),
        store(StoreFailure::Other),
    ];
    let targets = [
        "out.db",
        "sqlit:x",
        "postgres:x",
        "mysql:x",
        "sqlite:",
        "sqlite://x",
        "duckdb:x?dataset=y",
        "adbc:",
        "adbc:postgres?uri=x",
        "adbc:sqlite",
        "adbc:snowflake?password",
        "adbc:snowflake?role=a&role=b",
        "adbc:snowflake?password=50%",
    ];
    let targets = targets.map(|text| Error::Target(Target::parse(text).unwrap_err()));
    assert_snapshot!(format!("{}{}", errors(cases.map(Error::Destination)), errors(targets)));
}

fn traps() -> [Trap; 8] {
    let broke = |last_words: &str| Trap::Broke {
        cause: "wasm trap: wasm `unreachable` instruction executed".into(),
        last_words: last_words.into(),
    };
    [
        Trap::OutOfTime { limit_ms: 30_000 },
        Trap::NoAnswer { limit_ms: 360_000 },
        Trap::OutOfMemory { limit_mib: 256 },
        Trap::TooMuch { limit_mib: 96 },
        Trap::Handles { limit: 4_096 },
        broke(""),
        broke("panicked at lib.rs"),
        Trap::Panic { cause: "the task was cancelled".into() },
    ]
}

#[test]
fn what_breaks_a_connector() {
    let called = traps().map(|trap| Error::List(ListError::Call(CallError::Trap(trap))));
    let text = "resources: [{name: tasks, processing_steps: [{filter: 'range(infinite)'}]}]\n";
    let config = parse("time.yaml", text, Format::Yaml).unwrap();
    let stepping = traps()
        .map(|trap| of_failure(&failure(Cause::Trap(trap)), Subject { config: &config, whose: Whose::Ours }));
    let told = format!("{}{}{}", failures(traps().map(Cause::Trap)), all(stepping), errors(called));
    assert_snapshot!(told);
}

#[test]
fn what_keeps_init_from_asking() {
    assert_snapshot!(errors([
        Error::Unasked("Input/output error (os error 5)".into()),
        Error::Init(crate::init::InitError::NoPage),
        Error::Init(crate::init::InitError::Curl("a quote is not closed")),
        Error::Init(crate::init::InitError::Curl("a flag lacks its value")),
        Error::Init(crate::init::InitError::Curl("it has no address")),
        Error::Init(crate::init::InitError::Curl(
            "it has several addresses, or a flag that is not known here"
        )),
        Error::Init(crate::init::InitError::Curl("its body is no object of JSON")),
        Error::Init(crate::init::InitError::Curl("a body from a file has no form in a config")),
        Error::Init(crate::init::InitError::Curl("a form with files has no form in a config")),
    ]));
}

#[test]
fn what_keeps_a_checkpoint_from_being_set() {
    let edit = |error| Error::Edit { resource: "tasks".into(), error };
    let adopt = |error| Error::Adopt { target: "duckdb:a.db".into(), error };
    assert_snapshot!(errors([
        edit(WatermarkError::NotIncremental),
        edit(WatermarkError::Unfinished),
        edit(WatermarkError::NoParent),
        adopt(AdoptError::NoDlt),
        adopt(AdoptError::WhichPipeline { known: vec!["a".into(), "b".into()] }),
        adopt(AdoptError::NoTable { pipeline: "a".into(), tables: vec!["events".into(), "users".into()] }),
        adopt(AdoptError::Loaded { resource: "tasks".into() }),
        adopt(AdoptError::OtherShape { resource: "tasks".into() }),
    ]));
}

#[test]
fn what_keeps_a_source_from_opening() {
    let diagnostics = vec![
        Diagnostic { path: "/client".into(), message: "`client` is missing".into(), hint: None },
        Diagnostic { path: "/x".into(), message: "unknown key `x`".into(), hint: None },
    ];
    let rule = |text: &str| text.parse::<Rule>().unwrap_err();
    let text = || "the engine's words".to_owned();
    let data_type = |data_type: &str| PlanError::DataType {
        resource: "tasks".into(),
        column: "due".into(),
        data_type: data_type.into(),
    };
    let connector = |problem| Error::Connector { path: "c.wasm".into(), problem };
    let undiscovered = |resources: &[&str]| Error::Undiscovered {
        config: "time.yaml".into(),
        target: "sqlite:time.db".into(),
        resources: resources.iter().map(|name| (*name).to_owned()).collect(),
    };
    let needs_database =
        |what: &'static str| Error::Plan(PlanError::NeedsDatabase { resource: "tasks".into(), what });
    let unsupported = |what: &str| PlanError::Unsupported { resource: "tasks".into(), what: what.to_owned() };
    let cases = vec![
        Error::Load(LoadError::Engine(text())),
        Error::Load(LoadError::Component(text())),
        connector(ConnectorError::Unreadable("there is no such file".into())),
        connector(ConnectorError::Unreadable("it is larger than 64 MiB".into())),
        connector(LoadError::Engine(text()).into()),
        connector(LoadError::NotWasm.into()),
        connector(LoadError::Module.into()),
        connector(LoadError::Component(text()).into()),
        connector(LoadError::Import("wasi:keyvalue/store@0.2.0".into()).into()),
        connector(LoadError::World { exports: Vec::new() }.into()),
        connector(LoadError::World { exports: vec!["wasi:cli/run@0.2.6".into(), "other".into()] }.into()),
        connector(LoadError::Version { found: "sanderling:connector/source@0.9.0".into() }.into()),
        connector(LoadError::Shape(text()).into()),
        Error::List(ListError::Call(CallError::Fault(Fault::InvalidConfig(diagnostics)))),
        Error::List(ListError::AsksApi),
        Error::List(ListError::Call(CallError::Fault(Fault::Denied(
            "the host allows no request like this one".into(),
        )))),
        Error::List(ListError::Call(CallError::Fault(Fault::Other("no".into())))),
        Error::Origin("ftp://a.b".parse::<Origin>().unwrap_err()),
        Error::Allow(rule("https://*.example.com")),
        Error::Plan(PlanError::Unknown { name: "task".into(), known: vec!["tasks".into(), "users".into()] }),
        Error::Plan(PlanError::Unknown { name: "zzz".into(), known: vec!["tasks".into(), "users".into()] }),
        Error::Plan(data_type("bigit")),
        Error::Plan(data_type("thing")),
        Error::NoPipeline { known: Vec::new() },
        Error::NoColumns { target: "jsonl:out".into() },
        undiscovered(&[]),
        undiscovered(&["tasks", "users"]),
        Error::NoPipeline { known: vec!["time".into(), "demo".into()] },
        Error::NotRemembered { name: "task".into(), known: vec!["tasks".into()] },
        Error::NotRemembered { name: "zzz".into(), known: vec!["tasks".into(), "users".into()] },
        Error::Plan(PlanError::NoRange { resource: "tasks".into(), replaced: true }),
        Error::Plan(PlanError::NoRange { resource: "tasks".into(), replaced: false }),
        Error::Plan(PlanError::NothingIncremental),
        Error::Plan(PlanError::WouldAppend { resource: "tasks".into() }),
        needs_database("`delete_absent`"),
        needs_database("the merge strategy `scd2`"),
        needs_database("the merge strategy `insert-only`"),
        Error::Plan(unsupported("write_disposition `scd2`")),
        Error::Plan(unsupported("an answer that holds a token")),
        Error::Plan(PlanError::Unsound("the columns of `tasks`: not JSON".into())),
        Error::Plan(PlanError::Unsound("the settings of `tasks`: not JSON".into())),
        Error::Plan(PlanError::Unsound("`tasks` and `jobs` would both be table `work`".into())),
        Error::Plan(unsupported("dedup_sort `first`")),
        Error::Plan(PlanError::Unsound("`tasks` is nested deeper than 32 resources".into())),
        Error::Plan(PlanError::Unsound("`tasks` is there twice".into())),
        Error::Plan(PlanError::Unsound("`projects` does not stand before `tasks`".into())),
        Error::Secret(VaultError::NoRandomness),
        Error::Secret(VaultError::Name(String::new())),
        Error::Secret(VaultError::Empty("k".into())),
        Error::Secret(VaultError::TooLong("k".into())),
        Error::Secret(VaultError::Twice("k".into())),
        Error::Secret(VaultError::Unknown("k".into())),
        Error::Useless { option: "--state", why: "a database keeps its own state" },
        Error::Useless { option: "--state", why: "an object store keeps its own state" },
        Error::Useless { option: "--state", why: "nothing is remembered of standard output" },
        Error::Useless { option: "--json", why: "rows go to standard output" },
        Error::Secrets(vec![crate::secrets::SecretError::Bound { name: "key".into() }]),
        Error::OneStream { resources: vec!["tasks".into(), "users".into()] },
        Error::Demo("Address already in use (os error 98)".into()),
        Error::Unprinted("Broken pipe (os error 32)".into()),
        Error::Runtime("no threads".into()),
        Error::Unreadable { path: "c.yaml".into(), cause: "it may not be read".into(), near: None },
        Error::Unreadable {
            path: "c.yml".into(),
            cause: "there is no such file".into(),
            near: Some("c.yaml".into()),
        },
        Error::Unwritten { path: "c.yaml".into(), cause: "it may not be written".into() },
        Error::Unwritable { path: "man".into(), cause: "it is a folder".into() },
    ];
    assert_snapshot!(errors(cases));
}

#[test]
fn what_is_said_on_the_way() {
    let resource = || "tasks".to_owned();
    let again = |why| RunNotice::StartedAgain { resource: resource(), why };
    let notice = |of: &str| RunNotice::Connector {
        resource: of.into(),
        notice: Notice {
            code: "x".into(),
            message: "the paginator of `tasks` sets `limit`".into(),
            hint: Some("leave it out".into()),
            settles: Vec::new(),
        },
    };
    let cases = vec![
        notice(""),
        notice("tasks"),
        RunNotice::Resumed { resource: resource(), rows: 1 },
        RunNotice::Done { resource: resource(), rows: 200 },
        again(Why::Asked),
        again(Why::ConfigChanged),
        again(Why::ConnectorChanged),
        again(Why::TooOld { age_ms: 7_200_000, within_ms: 3_600_000 }),
        again(Why::TooOld { age_ms: 90_000, within_ms: 60_000 }),
        again(Why::Refused),
        again(Why::Forgotten),
        again(Why::OutputChanged("it is gone, with the rows of load 5".into())),
        again(Why::TotalChanged { resource: resource(), before: 100, now: 90 }),
        RunNotice::Removed { resource: resource(), rows: 7 },
        RunNotice::Retrying { resource: resource(), parents: 3, age_ms: Some(7_200_000) },
        RunNotice::Retrying { resource: resource(), parents: 1, age_ms: None },
        RunNotice::NothingFailed { broken: true },
        RunNotice::NothingFailed { broken: false },
        RunNotice::Reopened { resource: resource() },
        RunNotice::SharedKeys { resource: resource(), rows: 10, keys: 7, key: "id".into() },
        RunNotice::AbsentStay { resource: resource(), limited: true },
        RunNotice::AbsentStay { resource: resource(), limited: false },
        RunNotice::AbsentGo { resource: resource(), rows: 1, marked: false },
        RunNotice::AbsentGo { resource: resource(), rows: 12, marked: true },
        RunNotice::Limited { resource: resource(), limit: "--max-pages 2".into() },
        RunNotice::Unshared { origin: "https://api.example.com".into(), why: "permission denied".into() },
        RunNotice::Shrunk { resource: resource(), before: 100, after: 90 },
        RunNotice::Grown { resource: resource(), before: 90, after: 100 },
        RunNotice::AllGone { resource: resource(), parents: 4 },
        RunNotice::WatermarkUnused {
            resource: resource(),
            before: "updated_at".into(),
            now: "min created_at".into(),
        },
        RunNotice::WatermarkStays { resource: resource(), limit: "--max-pages 2".into() },
        RunNotice::Appends { resource: resource() },
        RunNotice::NoColumns { keys: vec!["nested"] },
        RunNotice::NoColumns { keys: vec!["nested", "names", "schema_contract"] },
        RunNotice::UnknownDatabase { vendor: "Trino".into() },
        RunNotice::Refreshed { resource: resource() },
        RunNotice::Trial { origin: "https://api.example.com".into() },
    ];
    let told: String = cases.iter().map(|notice| report::notice(notice, Paint::Plain)).collect();
    assert_snapshot!(told);
}

#[test]
fn what_keeps_a_file_from_being_read() {
    let kinds = [
        io::ErrorKind::NotFound,
        io::ErrorKind::IsADirectory,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::InvalidData,
    ];
    let told: Vec<String> = kinds.into_iter().map(|kind| of_io(&kind.into())).collect();
    assert_snapshot!(told.join("\n"));
}

#[test]
fn what_follows_a_page() {
    let follows = [Follows::End, Follows::Pages(1), Follows::Pages(4), Follows::Limit];
    assert_snapshot!(follows.map(|follows| follows.to_string()).join("\n"));
}

#[test]
fn what_looks_like_a_config() {
    let names = |count: usize| (1..=count).map(|at| format!("{at}.yaml")).collect::<Vec<_>>();
    let told: Vec<String> =
        [1, 2, 7].into_iter().filter_map(|count| hint_for_no_config(&names(count))).collect();
    assert_snapshot!(told.join("\n"));
}

/// Of another's connector nothing is known but what it does: no hint may name a key of ours.
#[test]
fn what_fails_with_a_connector_from_elsewhere() {
    let host = || "api.example.com".to_owned();
    let resolve = GateError::Resolve { host: host(), reason: "no such host".into() };
    let causes = [
        fault(http(401, "")),
        fault(http(404, "")),
        fault(Fault::Other("no".into())),
        Cause::Unreached(Box::new(resolve)),
        Cause::Unreached(Box::new(GateError::TooManyRedirects { limit: 5 })),
        Cause::Unreached(Box::new(GateError::IdleTimeout { limit_ms: 30_000 })),
        Cause::Refused(Refusal::Short { received: 90, total: 100 }),
        Cause::Refused(Refusal::Circular),
        Cause::Halted { origin: "https://a.b".into(), in_a_row: 3, again_at_ms: None },
    ];
    let told = all(causes
        .into_iter()
        .map(|cause| of_failure(&failure(cause), Subject { config: &config(), whose: Whose::Foreign })));
    assert!(!told.contains("client.") && !told.contains("paginator"), "{told}");
    assert_snapshot!(told);
}

fn guess() -> Notice {
    let setting =
        |name: &str, value: &str| Setting { path: format!("/resources/0/{name}"), value: value.to_owned() };
    Notice {
        code: "guessed".into(),
        message: "the rows of `tasks` are taken to stand at `data`".into(),
        hint: None,
        settles: vec![setting("total", "\"estimate\""), setting("selected", "true")],
    }
}

#[test]
fn what_is_guessed() {
    let document = || Box::new(config());
    let errors = errors([
        Error::Guessed { document: document(), notices: vec![guess()] },
        Error::Guessed { document: document(), notices: vec![guess(), guess()] },
    ]);
    let failed = ours(&Failure { exchange: Some(exchange(Some(200))), ..failure(Cause::Guessed(guess())) });
    let said = settled(guess(), &config());
    let said = report::notice(&RunNotice::Connector { resource: "tasks".into(), notice: said }, Paint::Plain);
    let unwritten: String = [EditError::NoPlace, EditError::Shared, EditError::Commented, EditError::Unfit]
        .map(|error| told(&of_unwritten(&guess().settles[0], error, &config())))
        .concat();
    assert_snapshot!(format!("{errors}{}{said}{unwritten}", told(&failed)));
}

#[test]
fn what_is_not_as_documented() {
    let fields = |count: usize| (1..=count).map(|at| format!("f{at}")).collect::<Vec<_>>();
    let operation = || "GET /tasks".to_owned();
    let compared = [
        Compared::Not(NotCompared::NoOperation { asked: "GET https://api.example.com/v1/tasks".into() }),
        Compared::Not(NotCompared::NoRows { operation: operation(), selector: Some("data.items".into()) }),
        Compared::Not(NotCompared::NoRows { operation: operation(), selector: None }),
        Compared::Not(NotCompared::Altered { key: "processing_steps" }),
        Compared::With {
            operation: operation(),
            columns: 21,
            differences: vec![
                Difference::Undocumented { fields: fields(2) },
                Difference::Unseen { fields: fields(14), rows: 1 },
                Difference::Kind {
                    field: "rate".into(),
                    documented: [Kind::Number, Kind::Null].into(),
                    seen: [Kind::String].into(),
                    rows: 3,
                    of: 9,
                },
            ],
        },
    ];
    let told: Vec<String> = compared.iter().flat_map(|compared| of_compared("tasks", compared)).collect();
    let same = Compared::With { operation: operation(), columns: 1, differences: Vec::new() };
    assert_snapshot!(format!("{}\n{}", told.join("\n"), of_all_documented(&same).unwrap()));
}

#[test]
fn what_a_look_finds() {
    let field = || "id".to_owned();
    let gap = |missing, null| Gap { field: field(), of: 9, missing, null };
    let unknown = |near: Option<&str>| Finding::KeyUnknown {
        field: "idd".into(),
        known: (0..14).map(|at| format!("f{at}")).collect(),
        near: near.map(str::to_owned),
    };
    let shared = |settles| Finding::KeyShared { key: vec![field()], settles };
    let findings = [
        unknown(Some("id")),
        unknown(None),
        Finding::NullRows { rows: 1, of: 8 },
        Finding::KeyGap(gap(1, 0)),
        Finding::KeyGap(gap(2, 1)),
        shared(Vec::new()),
        shared(guess().settles),
        Finding::ColumnGap(gap(0, 3)),
    ];
    let misses = [
        Miss::Failed(Box::new(failure(fault(http(404, ""))))),
        Miss::Closed { origin: "https://api.example.com".into() },
        Miss::Orphaned { parent: "projects".into() },
        Miss::Unopened { parent: "projects".into() },
    ];
    let misses: Vec<String> = misses.iter().map(of_not_tried).collect();
    assert_snapshot!(format!(
        "{}{}",
        all(findings.iter().map(|finding| of_finding("tasks", finding, &config()))),
        misses.join("\n")
    ));
}
