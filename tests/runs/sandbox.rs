//! Connectors that mean harm, or are broken: each ends in a typed error, none in a hang, a panic or a silent loss.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sanderling::clock;
use sanderling::contract::{Fault, PageRequest};
use sanderling::document::{Format, parse};
use sanderling::run::mode::Mode;
use sanderling::run::outcome::{Cause, Outcome};
use sanderling::run::plan::{Plan, PlanError};
use sanderling::run::truth::Refusal;
use sanderling::run::{self, Settings};
use sanderling::sandbox::{CallError, Connection, Limits, ListError, LoadError, Sandbox};
use sanderling::source::Whose;
use sanderling::words::Subject;
use sanderling_demo::{Options, start};
use sanderling_destination::{DataErrorKind, Destination, Target};
use sanderling_gate::{Gate, Policy, Vault};

use crate::guest::build;
use crate::program::Folder;

/// The hostile connector, and the same with an import that no host offers.
pub(crate) fn guests() -> &'static [Vec<u8>; 2] {
    static GUESTS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let build = |features: &[&str]| std::fs::read(build("sanderling-hostile-guest", features)).unwrap();
    GUESTS.get_or_init(|| [build(&[]), build(&["--features", "unknown-import"])])
}

/// Limits that are reached soon.
fn tight() -> Limits {
    Limits {
        memory_bytes: 32 << 20,
        page_bytes: 1 << 20,
        handles: 256,
        cpu_time_ms: 200,
        call_time_ms: 5_000,
    }
}

fn sandbox() -> Arc<Sandbox> {
    static SANDBOX: OnceLock<Arc<Sandbox>> = OnceLock::new();
    SANDBOX.get_or_init(|| Arc::new(Sandbox::load(&guests()[0], None, tight()).unwrap())).clone()
}

fn connection(config: &str) -> (Connection, Arc<Vault>) {
    let vault = Arc::new(Vault::new(None).unwrap());
    let gate = Gate::new(Policy::default(), vault.clone(), sanderling_gate::Limits::default());
    (sandbox().open(config.to_owned(), Arc::new(gate)), vault)
}

async fn fetch(connection: &Connection) -> Result<sanderling::contract::Page, CallError> {
    let request = PageRequest {
        resource: "r".into(),
        partition: None,
        cursor: None,
        since: None,
        range: None,
        now_ms: 0,
    };
    connection.fetch_page(&request).await.0
}

fn of_list<T>(result: Result<T, ListError>) -> Result<T, CallError> {
    result.map_err(|error| match error {
        ListError::Call(error) => error,
        ListError::AsksApi => panic!("it asks its API"),
    })
}

fn trap<T: std::fmt::Debug>(result: Result<T, CallError>) -> String {
    match result {
        Err(CallError::Trap(trap)) => sanderling::words::of_trap(&trap),
        other => panic!("no trap: {other:?}"),
    }
}

#[test]
fn what_is_no_connector_is_not_loaded() {
    let load = |wasm: &[u8]| Sandbox::load(wasm, None, tight()).map(|_| ()).unwrap_err();
    assert_eq!(load(b"not wasm"), LoadError::NotWasm);
    assert_eq!(load(b"\0asm\x01\0\0\0"), LoadError::Module);
    assert_eq!(load(b"\0asm\x0d\0\x01\0"), LoadError::World { exports: Vec::new() }, "an empty component");
    assert!(matches!(load(&guests()[0][..4_096]), LoadError::Component(_)), "cut short");
    let error = load(&guests()[1]);
    assert!(matches!(&error, LoadError::Import(name) if name == "evil:thing/host@1.0.0"), "{error}");
    assert_eq!(error.to_string(), "the connector wants `evil:thing/host@1.0.0`, which connectors do not get");
}

#[tokio::test]
async fn a_guest_that_takes_too_much_is_stopped() {
    let cases = [
        ("spin", "the connector ran for more than 0.2 s in one call and was stopped"),
        ("grow", "the connector wanted more than 32 MiB of memory and was stopped"),
        ("deep", "the connector broke: wasm trap: call stack exhausted"),
        ("handles", "the connector held more than 256 handles and was stopped"),
        ("huge", "the connector handed over more than 1 MiB in one call and was stopped"),
    ];
    for (config, words) in cases {
        let started = Instant::now();
        let (connection, _) = connection(config);
        let said = trap(fetch(&connection).await);
        assert!(said.starts_with(words), "{config}: {said}");
        assert!(started.elapsed() < Duration::from_secs(4), "{config} took {:?}", started.elapsed());
        // The next instance is a new one, and no worse for it.
        assert_eq!(trap(fetch(&connection).await), said);
    }
}

#[tokio::test]
async fn a_guest_that_breaks_says_its_last_words() {
    let (connection, _) = connection("panic");
    let said = trap(fetch(&connection).await);
    assert!(said.starts_with("the connector broke: ") && said.contains("told you so"), "{said}");
}

#[tokio::test]
async fn a_list_that_breaks_is_an_error_too() {
    assert!(trap(of_list(sandbox().list_resources("list-spin").await)).contains("0.2 s"));
    assert!(trap(of_list(sandbox().list_resources("list-panic").await)).contains("told you so"));
    for config in ["list-twice", "list-orphan"] {
        let info = sandbox().list_resources(config).await.unwrap();
        assert!(matches!(Plan::new(&info, &[]), Err(PlanError::Unsound(_))), "{config}");
    }
}

#[tokio::test]
async fn a_guest_sees_nothing_of_the_machine() {
    let server = start(Options::default()).unwrap();
    let (connection, _) = connection(&format!("look {}", server.address()));
    let page = fetch(&connection).await.unwrap();
    let seen = String::from_utf8(page.rows).unwrap();
    let nothing =
        "{\"variables\":0,\"arguments\":0,\"files\":0,\"wrote\":false,\"socket\":false,\"year\":0}\n";
    assert_eq!(seen, nothing);
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_guest_reaches_no_host_that_is_not_allowed() {
    let server = start(Options::default()).unwrap();
    let config = format!("fetch {}", server.address());
    let (connection, _) = connection(&config);
    assert_eq!(fetch(&connection).await, Err(CallError::Fault(Fault::Denied("denied".into()))));
    let listed = sandbox().list_resources(&format!("list-{config}")).await;
    assert_eq!(listed, Err(ListError::AsksApi));
    assert_eq!(server.requests().len(), 0);
}

/// Runs the hostile connector into a database of `folder`; it must end within seconds.
async fn drive(config: &str, folder: &Folder) -> Outcome {
    let (connection, vault) = connection(config);
    let plan = Plan::new(&sandbox().list_resources(config).await.unwrap(), &[]).unwrap();
    let target = Target::parse(&format!("sqlite:{}", folder.path("out.db").display())).unwrap();
    let mut destination = Destination::open(&target, "hostile").unwrap();
    let settings = Settings {
        concurrency: 4,
        rates: sanderling::settings::Rates::default(),
        paces: None,
        max_pages: None,
        mode: Mode::Onward,
        frozen: false,
        on_bad_row: sanderling::run::refuse::OnBadRow::Quarantine,
        fresh: false,
        retry_failed: false,
        resume_within_ms: 0,
        load_id: "load".into(),
        config: config.into(),
        connector_digest: sandbox().digest().into(),
        clock: clock::now_ms,
    };
    let (mut tell, stop) = (|_| {}, std::future::pending());
    let run = run::run(&plan, Arc::new(connection), &mut destination, vault, &settings, &mut tell, stop);
    tokio::time::timeout(Duration::from_secs(20), run).await.expect("the run does not end").unwrap()
}

/// A config, and whether an error is the one that it must end in.
type Case<T> = (&'static str, fn(&T) -> bool);

#[tokio::test]
async fn answers_that_contradict_themselves_are_refused() {
    let cases: [Case<Refusal>; 10] = [
        ("more-lines", |refusal| matches!(refusal, Refusal::Miscounted { kept: 2, lines: 3, .. })),
        ("fewer-lines", |refusal| matches!(refusal, Refusal::Miscounted { kept: 2, lines: 1, .. })),
        ("rest-many", |refusal| *refusal == Refusal::Split { cursors: 300 }),
        ("rest-none", |refusal| *refusal == Refusal::Split { cursors: 0 }),
        ("stuck", |refusal| *refusal == Refusal::Circular),
        ("circle", |refusal| *refusal == Refusal::Circular),
        ("circle-with-rows", |refusal| *refusal == Refusal::Circular),
        ("rest-circle", |refusal| *refusal == Refusal::Circular),
        ("child-unknown", |refusal| *refusal == Refusal::Stranger { child: "nowhere".into() }),
        ("child-of-another", |refusal| *refusal == Refusal::Stranger { child: "d".into() }),
    ];
    for (config, expected) in cases {
        let folder = Folder::new();
        let outcome = drive(config, &folder).await;
        let [failure] = outcome.failures.as_slice() else { panic!("{config}: {:?}", outcome.failures) };
        let Cause::Refused(refusal) = &failure.cause else { panic!("{config}: {:?}", failure.cause) };
        assert!(expected(refusal), "{config}: {refusal:?}");
        assert_eq!(sanderling::report::exit_code(&outcome), 5, "{config}");
        // What has nothing to do with it is read.
        assert_eq!(folder.count("out.db", "select count(*) from d"), 1, "{config}");
        assert_eq!(folder.count("out.db", "select count(*) from _sanderling_errors"), 1, "{config}");
    }
}

#[tokio::test]
async fn rows_that_are_none_are_refused() {
    let cases: [Case<DataErrorKind>; 3] = [
        ("not-json", |kind| matches!(kind, DataErrorKind::NotJson { .. })),
        ("not-utf8", |kind| matches!(kind, DataErrorKind::NotUtf8)),
        ("null", |kind| matches!(kind, DataErrorKind::NullRow)),
    ];
    for (config, expected) in cases {
        let outcome = drive(config, &Folder::new()).await;
        let [failure] = outcome.failures.as_slice() else { panic!("{config}: {:?}", outcome.failures) };
        let Cause::Data { error, .. } = &failure.cause else { panic!("{config}: {:?}", failure.cause) };
        assert!(expected(&error.kind), "{config}: {error:?}");
        assert_eq!(sanderling::report::exit_code(&outcome), 5, "{config}");
    }
}

#[tokio::test]
async fn counts_beyond_all_bounds_do_not_wrap() {
    let folder = Folder::new();
    let outcome = drive("count-overflow", &folder).await;
    assert_eq!(outcome.failures.len(), 0, "{:?}", outcome.failures);
    assert_eq!(outcome.resources[0].total, Some(u64::MAX));
    assert_eq!(folder.count("out.db", "select count(*) from r"), 1);
}

#[tokio::test]
async fn a_guest_that_breaks_costs_its_own_resource() {
    for config in ["spin", "grow", "panic", "huge", "handles"] {
        let folder = Folder::new();
        let outcome = drive(config, &folder).await;
        let [failure] = outcome.failures.as_slice() else { panic!("{config}: {:?}", outcome.failures) };
        assert!(matches!(failure.cause, Cause::Trap(_)), "{config}: {:?}", failure.cause);
        assert_eq!(sanderling::report::exit_code(&outcome), 1, "{config}");
        assert_eq!(folder.count("out.db", "select count(*) from d"), 1, "{config}");
    }
}

#[tokio::test]
async fn words_from_outside_do_not_steer_the_terminal() {
    let outcome = drive("escape", &Folder::new()).await;
    let [failure] = outcome.failures.as_slice() else { panic!("{:?}", outcome.failures) };
    let config = parse("c.json", "{}", Format::Json).unwrap();
    let subject = Subject { config: &config, whose: Whose::Foreign };
    let words = sanderling::words::of_failure(failure, subject);
    let text = sanderling::report::lines(&words, sanderling::show::Paint::Plain);
    assert_eq!(text, "error: r, page 1: \u{fffd}]0;owned\u{fffd}\u{fffd}[2Jgone\n");
}
