//! Runs of a connector that is not built in, from its refusal to its last row.

use std::time::Duration;

use insta::assert_snapshot;
use sanderling_demo::{Action, Fault, Reply, When, start};

use crate::kill::{kill, wait_for};
use crate::program::{Folder, Ran};
use crate::sandbox::guests;
use crate::weather::{CHUNKS, PAGES, READINGS, STATIONS, TOKEN, Weather, all_rows, connector, csv};

const RUN: [&str; 4] = ["run", "weather.yaml", "--to", "jsonl:out"];

/// The text between the first two backticks of the hint that starts with `start`.
fn line_of(ran: &Ran, start: &str) -> String {
    let hint = ran.stderr.lines().find_map(|line| line.strip_prefix("hint: ")?.strip_prefix(start));
    hint.unwrap_or_else(|| panic!("no hint\n{}", ran.stderr)).split('`').next().unwrap().to_owned()
}

#[track_caller]
fn assert_all_there(weather: &Weather) {
    assert_eq!(weather.folder.lines("out/readings.jsonl"), all_rows());
    assert_eq!(weather.folder.lines("out/stations.jsonl").len(), STATIONS);
}

#[test]
fn refused_without_allow_and_allowed_by_the_very_line_that_is_named() {
    let weather = Weather::new();
    let refused = weather.folder.run(&RUN).expect(2);
    assert_snapshot!(weather.still(&refused.stderr), @r#"
    error: the connector wants to reach what is not allowed: http://127.0.0.1:PORT
      http://127.0.0.1:PORT (a loopback address): for stations, readings
    hint: if it may, write `allow: ["http://127.0.0.1:PORT"]` in weather.yaml, or give --allow http://127.0.0.1:PORT
    "#);
    assert_eq!((weather.server.requests().len(), refused.stdout.as_str()), (0, ""));
    assert!(!weather.folder.path("out").exists());
    let line = line_of(&refused, "if it may, write `");
    assert_eq!(line, format!("allow: [\"{}\"]", weather.server.base_url()));
    weather.config(&format!("{line}\n"));
    weather.folder.run(&RUN).expect(0);
    assert_all_there(&weather);
}

#[test]
fn the_flag_that_is_named_allows_it_too_and_the_line_is_in_the_configs_format() {
    let weather = Weather::new();
    let config = serde_json::json!({
        "connector": "export.wasm", "allow": ["https://files.example.com"],
        "url": weather.server.base_url(), "token": "${secrets.token}",
    });
    weather.folder.write("weather.json", &config.to_string());
    let run = ["run", "weather.json", "--to", "jsonl:out"];
    let refused = weather.folder.run(&run).expect(2);
    let origin = weather.server.base_url();
    let line = line_of(&refused, "if it may, write `");
    assert_eq!(line, format!("\"allow\": [\"https://files.example.com\", \"{origin}\"]"));
    let toml = format!("connector = \"export.wasm\"\nurl = \"{origin}\"\ntoken = \"${{secrets.token}}\"\n");
    weather.folder.write("weather.toml", &toml);
    let of_toml = weather.folder.run(&["run", "weather.toml"]).expect(2);
    assert_eq!(line_of(&of_toml, "if it may, write `"), format!("allow = [\"{origin}\"]"));
    let flag = refused.stderr.split("or give ").nth(1).unwrap().trim();
    let flag: Vec<&str> = flag.split(' ').collect();
    weather.folder.run(&[&run[..], &flag].concat()).expect(0);
    assert_all_there(&weather);
}

#[test]
fn every_row_arrives_in_files_and_tables() {
    let weather = Weather::allowed();
    let ran = weather.folder.run(&[&RUN[..], &["--json"]].concat()).expect(0);
    assert_all_there(&weather);
    assert_eq!(weather.server.requests().len(), PAGES);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let readings = &document["resources"][1];
    assert_eq!(readings["total"], STATIONS * CHUNKS * READINGS, "{document:#}");

    weather.folder.run(&["run", "weather.yaml", "--to", "sqlite:w.db"]).expect(0);
    let readings = weather.folder.database("w.db");
    let mut readings =
        readings.prepare("select station, at, temp_c, remark from readings order by 1, 2").unwrap();
    let readings = readings.query_map([], |row| {
        let text = |at| row.get::<_, String>(at).map(|text| serde_json::Value::from(text).to_string());
        let temp = match row.get_ref(2)? {
            rusqlite::types::ValueRef::Null => "null".to_owned(),
            other => match other.as_f64().unwrap() {
                whole if whole.fract() == 0.0 => whole.to_string(),
                number => format!("{number:.2}"),
            },
        };
        let remark: Option<String> = row.get(3)?;
        let remark = remark.map_or("null".into(), |text| serde_json::Value::from(text).to_string());
        // A time without an offset has none here either.
        let at = row.get::<_, String>(1)?;
        let at = at.strip_suffix(":00.000000").unwrap_or(&at);
        Ok(format!("{{\"station\":{},\"at\":\"{at}\",\"temp_c\":{temp},\"remark\":{remark}}}", text(0)?))
    });
    assert_eq!(readings.unwrap().map(Result::unwrap).collect::<Vec<_>>(), all_rows());
}

#[test]
fn chunks_are_read_side_by_side() {
    let weather = Weather::new();
    weather.config(&format!("allow: [\"{}\"]\n", weather.server.base_url()));
    weather.server.add_fault(Fault::new("*", When::Every(3), Action::Delay { ms: 30 }));
    weather.folder.run(&RUN).expect(0);
    assert_all_there(&weather);
}

/// More chunks than one page may open chains for: the last of them opens the others.
#[test]
fn many_chunks() {
    const MANY: usize = 600;
    let weather = Weather::allowed();
    weather.server.set_route("/stations.csv", |_| csv("id:text,name:text\ns0,Station 0\n"));
    weather.server.set_route("/stations/*/export", |_| {
        let lines = (0..MANY).map(|chunk| format!("c{chunk},{READINGS}\n"));
        csv(&format!("chunk:text,rows:number\n{}", lines.collect::<String>()))
    });
    let ran = weather.folder.run(&RUN).expect(0);
    let expected: Vec<String> = (0..MANY).flat_map(|chunk| crate::weather::rows(0, chunk)).collect();
    assert!(weather.folder.lines("out/readings.jsonl") == expected, "{}", ran.stderr);
    assert_eq!(weather.server.requests().len(), 1 + 3 + MANY);
}

#[test]
fn killed_and_resumed() {
    for k in [2, 4, 7, PAGES] {
        let weather = Weather::allowed();
        weather.server.add_fault(Fault::new("*", When::From(k as u64), Action::Hang));
        let child = weather.folder.spawn(&RUN);
        wait_for(&weather.server, k);
        // A commit is made every second.
        std::thread::sleep(Duration::from_millis(1_200));
        kill(child);
        weather.server.clear_faults();
        weather.server.clear_log();
        let ran = weather.folder.run(&RUN).expect(0);
        assert_all_there(&weather);
        assert_eq!(weather.server.requests().len(), PAGES - (k - 1), "killed at {k}\n{}", ran.stderr);
    }
}

/// The same config and state, and another component: what the first one left is not its business.
#[test]
fn another_component_starts_again() {
    let weather = Weather::allowed();
    weather.server.add_fault(Fault::new("/stations/s1/*", When::Always, Action::status(403)));
    weather.folder.run(&RUN).expect(3);
    weather.server.clear_faults();
    weather.server.clear_log();
    // A custom section, which means nothing: id 0, its length, a name of one letter.
    let other = [connector(), &[0, 2, 1, b'x']].concat();
    std::fs::write(weather.folder.path("export.wasm"), other).unwrap();
    let ran = weather
        .folder
        .run(&RUN)
        .expect(0)
        .says(&["the last run broke off and is started again", "connector"]);
    assert_all_there(&weather);
    assert_eq!(weather.server.requests().len(), PAGES, "{}", ran.stderr);
}

#[test]
fn the_host_waits_and_tries_again_for_it() {
    let weather = Weather::allowed();
    let slow_down = Reply::status(429).header("Retry-After", "1");
    let faults = [
        ("/stations/s0/export/c2", Action::Answer(slow_down)),
        ("/stations/s1/export", Action::Truncate { after_bytes: 10 }),
        // Damage that only the checksum shows.
        ("/stations/s2/export/c1", Action::CutJson { bytes: 90 }),
    ];
    for (path, action) in faults {
        weather.server.add_fault(Fault::new(path, When::Nth(1), action));
    }
    let ran = weather
        .folder
        .run(&RUN)
        .expect(0)
        .says(&["readings: the API answered 429; try 2 in 1.0 s", "readings: chunk c1 has the checksum"]);
    assert_all_there(&weather);
    assert_eq!(weather.server.requests().len(), PAGES + 3, "{}", ran.stderr);
}

#[test]
fn an_answer_that_it_cannot_read_is_refused_and_named() {
    let weather = Weather::allowed();
    let unsummed = Action::Answer(csv("station:text,at:text\n"));
    weather.server.add_fault(Fault::new("/stations/s1/export/c3", When::Always, unsummed));
    let ran = weather.folder.run(&RUN).expect(5);
    let said = weather.still(ran.stderr.split("error: ").nth(1).unwrap());
    assert_snapshot!(said.split(" resource ").next().unwrap(), @r"
    readings of parent s1, page 5: chunk c3 comes without its checksum
      GET http://127.0.0.1:PORT/stations/s1/export/c3 -> 200
      it said: station:text,at:text
    ");
    // What is good is kept.
    assert_eq!(weather.server.requests().len(), PAGES);
}

#[test]
fn what_is_wrong_with_its_config_is_shown_at_its_lines() {
    let weather = Weather::new();
    let text = "connector: export.wasm\nurl: weather.example.com\nalow: [\"https://weather.example.com\"]\ntoken: 7\n";
    weather.folder.write("weather.yaml", text);
    let ran = weather.folder.run(&["check", "weather.yaml"]).expect(2);
    assert_snapshot!(ran.stderr, @r#"
    error: the config has 3 problems
      error: not a URL
       --> weather.yaml:2:6
        |
      2 | url: weather.example.com
        |      ^^^^^^^^^^^^^^^^^^^
        |
        = hint: write https://weather.example.com
      
      error: unknown key
       --> weather.yaml:3:1
        |
      3 | alow: ["https://weather.example.com"]
        | ^^^^
        |
        = hint: did you mean `allow`?
      
      error: not a text
       --> weather.yaml:4:8
        |
      4 | token: ***
        |        ^^^
        |
        = hint: write "${secrets.token}"
    "#);
    // It may as well be empty, as far as the host goes.
    weather.folder.write("weather.yaml", "{}");
    let ran = weather.folder.run(&["run", "weather.yaml", "--connector", "export.wasm"]).expect(2);
    assert_snapshot!(ran.stderr, @r"
    error: the config has a problem
      error: `url` is missing
       --> weather.yaml:1:1
        |
      1 | {}
        | ^^
        |
        = hint: write `url: https://weather.example.com`
    ");
}

/// Its resources, its config: without a secret, and before it may reach anything.
#[test]
fn it_is_looked_at_as_any_other() {
    let weather = Weather::new();
    let ran = weather.folder.run(&["resources", "weather.yaml"]).expect(0);
    assert_snapshot!(weather.still(&ran.stdout), @r"
    resource    write  primary key  origin
    stations    merge  id           http://127.0.0.1:PORT
      readings  merge  station, at  http://127.0.0.1:PORT
    ");
    weather.folder.write("bare.yaml", "url: https://weather.example.com\n");
    let ran = weather.folder.run(&["resources", "bare.yaml", "--connector", "export.wasm"]).expect(0);
    assert!(ran.stdout.contains("readings"), "{}", ran.stdout);
    let ran = weather.folder.run(&["config", "show", "weather.yaml"]).expect(0);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&shown["connector"], &shown["token"]), (&"export.wasm".into(), &"${secrets.token}".into()));
    let weather = Weather::allowed();
    let ran = weather.folder.run(&["check", "weather.yaml"]).expect(0);
    ran.says(&["stations: good, 3 rows on the first page"]);
}

#[test]
fn a_redirect_elsewhere_is_not_followed_until_it_is_allowed() {
    let weather = Weather::allowed();
    let elsewhere = start(sanderling_demo::Options::default()).unwrap();
    elsewhere.set_route("/stations.csv", |_| csv("id:text,name:text\n"));
    let to = format!("{}/stations.csv", elsewhere.base_url());
    weather.server.set_route("/stations.csv", move |_| Reply::status(302).header("Location", &to));
    let ran = weather.folder.run(&RUN).expect(2);
    let port = elsewhere.address().port().to_string();
    let said = weather.still(ran.stderr.split("error: ").nth(1).unwrap()).replace(&port, "OTHER");
    assert_snapshot!(said, @r#"
    stations, page 1: redirected, but http://127.0.0.1:OTHER is not among the origins that this connector may reach
      not sent: GET http://127.0.0.1:OTHER/stations.csv
    hint: if it may be asked, write `allow: ["http://127.0.0.1:OTHER"]` in the config, or give --allow http://127.0.0.1:OTHER
     resource  rows  API's total  pages  retries  seconds
     stations     0            -      0        0      0.0  failed
     readings     0            -      0        0      0.0  not finished
    not everything is there: once that is mended, run the same command again
    "#);
    assert_eq!(elsewhere.requests().len(), 0);
    let rule = line_of(&ran, "if it may be asked, write `allow: [");
    let rule = rule.trim_end_matches(']');
    weather.config(&format!("allow: [\"{}\", {rule}]\n", weather.server.base_url()));
    weather.folder.run(&RUN).expect(0);
    let [request] = &elsewhere.requests()[..] else { panic!("one request") };
    assert_eq!(request.header("authorization"), None, "the token belongs elsewhere");
}

/// A name of one's own network is no literal address: `private:` is needed, and the connector cannot say it itself.
#[test]
fn a_private_address_needs_a_line_of_its_own() {
    let weather = Weather::new();
    weather.folder.write(
        "weather.yaml",
        "connector: export.wasm\nurl: http://private.localhost:9\nallow: [\"http://private.localhost:9\"]\n",
    );
    let ran = weather.folder.run(&RUN);
    // Where the name is not known at all, nothing is learnt of addresses.
    assert!(ran.code == Some(2) || ran.stderr.contains("cannot be resolved"), "{}", ran.stderr);
    if ran.code == Some(2) {
        ran.says(&["a loopback address", "allow: [\"private:http://private.localhost:9\"]"]);
    }
}

#[test]
fn a_secret_goes_where_its_file_binds_it_and_nowhere_else() {
    let weather = Weather::allowed();
    let bound = |origin: &str| {
        let text = format!("[token]\nvalue = \"{TOKEN}\"\norigins = [\"{origin}\"]\n");
        weather.folder.write(".sanderling/secrets.toml", &text);
        use std::os::unix::fs::PermissionsExt;
        let file = weather.folder.path(".sanderling/secrets.toml");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    bound("https://weather.example.com");
    let ran = weather.folder.run(&RUN).expect(2);
    ran.says(&[
        "the secret `token` may not be sent to http://127.0.0.1:",
        ".sanderling/secrets.toml says where",
    ]);
    assert_eq!(weather.server.requests().len(), 0);
    bound(&weather.server.base_url());
    weather.folder.run(&RUN).expect(0);
    assert_all_there(&weather);
}

#[test]
fn a_missing_credential_is_said_without_words_of_other_configs() {
    let weather = Weather::new();
    let url = weather.server.base_url();
    weather
        .folder
        .write("weather.yaml", &format!("connector: export.wasm\nurl: {url}\nallow: [\"{url}\"]\n"));
    let ran = weather.folder.run(&RUN).expect(3).says(&["no credential was sent", "${secrets.NAME}"]);
    for key in ["client", "base_url", "auth:", "paginator"] {
        assert!(!ran.stderr.contains(key), "{key}\n{}", ran.stderr);
    }
}

/// A folder with the hostile connector and a config that says what it does.
fn hostile(what: &str, lines: &str) -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.path("hostile.wasm"), &guests()[0]).unwrap();
    folder.write("hostile.yaml", &format!("connector: hostile.wasm\n{lines}do: {what}\n"));
    folder
}

const HOSTILE: [&str; 2] = ["run", "hostile.yaml"];

#[test]
fn it_may_only_read_until_more_is_granted() {
    let server = start(sanderling_demo::Options::default()).unwrap();
    let what = format!("post {}", server.address());
    let allow = format!("allow: [\"{}\"]\n", server.base_url());
    let ran = hostile(&what, &allow).run(&HOSTILE).expect(2);
    let still = ran.stderr.replace(&server.address().port().to_string(), "PORT");
    assert_snapshot!(still.split("error: ").nth(1).unwrap(), @r#"
    r, page 1: the method POST is refused: this connector may send GET and HEAD only
      not sent: POST http://127.0.0.1:PORT/stolen
    hint: if it may change what is there, write `allow: ["POST http://127.0.0.1:PORT"]` in the config, or give --allow 'POST http://127.0.0.1:PORT'
     resource  rows  API's total  pages  retries  seconds
     r            0            -      0        0      0.0  failed
     c            0            -      0        0      0.0  not finished
     d            1            -      1        0      0.0
    look at it: sqlite3 hostile.db 'select * from "d" limit 5'
    not everything is there: once that is mended, run the same command again
    "#);
    assert_eq!(server.requests().len(), 0);
    let line = line_of(&ran, "if it may change what is there, write `");
    hostile(&what, &format!("{line}\n")).run(&HOSTILE).expect(0);
    let flag = format!("--allow=POST {}", server.base_url());
    hostile(&what, "").run(&[HOSTILE[0], HOSTILE[1], &flag]).expect(0);
    assert!(server.requests().iter().all(|request| request.method == "POST") && server.requests().len() == 2);
}

#[test]
fn one_that_asks_its_api_what_there_is_is_told_that_it_cannot() {
    let server = start(sanderling_demo::Options::default()).unwrap();
    let allow = format!("allow: [\"{}\"]\n", server.base_url());
    let ran = hostile(&format!("list-fetch {}", server.address()), &allow).run(&HOSTILE).expect(2);
    assert_snapshot!(ran.stderr, @r"
    error: the connector asks its API what there is, which is not supported yet: nothing was sent
    hint: a connector lists its resources from its config alone
    ");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_list_that_contradicts_itself_is_refused_wherever_it_is_shown() {
    for (what, words) in [
        ("list-twice", "`r` is there twice"),
        ("list-orphan", "`r` does not stand before `c`"),
        ("list-self", "`r` does not stand before `r`"),
        ("list-deep", "`33` is nested deeper than 32 resources"),
    ] {
        let folder = hostile(what, "");
        for command in ["resources", "run"] {
            folder.run(&[command, "hostile.yaml"]).expect(2).says(&[words]);
        }
    }
}

/// Reading a connector ends, whatever the file is.
#[test]
fn a_file_that_has_no_end_is_refused() {
    let folder = Folder::new();
    folder.write("api.yaml", "{}");
    let ran = folder.run(&["run", "api.yaml", "--connector", "/dev/zero"]).expect(2);
    ran.says(&["the connector /dev/zero cannot be read: it is larger than 64 MiB"]);
    folder.run(&["connector", "inspect", "/dev/zero"]).expect(2).says(&["it is larger than 64 MiB"]);
}

#[test]
fn its_limits_are_those_of_the_config() {
    let ran = hostile("spin", "limits: {cpu_time_ms: 100}\n").run(&HOSTILE).expect(1);
    ran.says(&["r, page 1: the connector ran for more than 0.1 s in one call", "cpu_time_ms"]);
    let ran = hostile("grow", "limits: {memory_mib: 8}\n").run(&HOSTILE).expect(1);
    ran.says(&["more than 8 MiB of memory", "memory_mib"]);
    let ran = hostile("handles", "").run(&HOSTILE).expect(1);
    ran.says(&["more than 4096 handles"]);
}

#[test]
fn inspect_shows_what_a_component_is() {
    let weather = Weather::new();
    let still = |text: &str| {
        let digest: String = text.split_whitespace().find(|word| word.len() == 64).unwrap().into();
        let size = connector().len().to_string();
        let grouped = format!("{},{}", &size[..size.len() - 3], &size[size.len() - 3..]);
        text.replace(&digest, "SHA256").replace(&grouped, "SIZE")
    };
    let ran = weather.folder.run(&["connector", "inspect", "export.wasm"]).expect(0);
    assert_snapshot!(still(&ran.stdout), @r"
    file     export.wasm
    size     SIZE bytes
    sha256   SHA256
    exports  sanderling:connector/source@0.1.0
    imports  wasi:io/poll@0.2.12
             wasi:io/error@0.2.12
             wasi:io/streams@0.2.12
             wasi:http/types@0.2.12
             wasi:http/outgoing-handler@0.2.12
             sanderling:connector/types@0.1.0
             wasi:cli/stdout@0.2.12
             wasi:cli/stderr@0.2.12
             wasi:cli/stdin@0.2.12
             wasi:cli/environment@0.2.12
             wasi:cli/exit@0.2.12
             wasi:cli/terminal-input@0.2.12
             wasi:cli/terminal-output@0.2.12
             wasi:cli/terminal-stdin@0.2.12
             wasi:cli/terminal-stdout@0.2.12
             wasi:cli/terminal-stderr@0.2.12
             wasi:random/insecure-seed@0.2.12
    loads    yes
    ");
    assert_eq!(ran.stderr, "");
    let ran = weather.folder.run(&["connector", "inspect", "export.wasm", "--json"]).expect(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&document["loads"], &document["size_bytes"]), (&true.into(), &connector().len().into()));
    assert_eq!(document["exports"], serde_json::json!(["sanderling:connector/source@0.1.0"]));

    std::fs::write(weather.folder.path("command.wasm"), exporting("wasi:cli/run@0.2.12", "")).unwrap();
    let ran = weather.folder.run(&["connector", "inspect", "command.wasm"]).expect(2);
    assert_snapshot!(format!("{}{}", still(&ran.stdout), ran.stderr), @r"
    file     command.wasm
    size     64 bytes
    sha256   SHA256
    exports  wasi:cli/run@0.2.12
    imports  nothing
    loads    no
    error: command.wasm: a component of another world: it exports wasi:cli/run@0.2.12
    hint: a connector exports sanderling:connector/source@0.1.0: build it for the world of wit/connector.wit
    ");
    let ran = weather.folder.run(&["connector", "inspect", "command.wasm", "--json"]).expect(2);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["loads"], false);
    assert!(document["problem"].as_str().unwrap().contains("another world"), "{document:#}");
    weather.folder.run(&["connector", "inspect", "nowhere.wasm"]).expect(2).says(&["there is no such file"]);
}

/// Files that are no connector, as texts of WebAssembly or as they are.
#[test]
fn what_is_no_connector_is_told_with_what_to_do() {
    let folder = Folder::new();
    folder.write("api.yaml", "{}");
    let files: [(&str, Vec<u8>); 8] = [
        ("text.wasm", b"(module)".to_vec()),
        ("module.wasm", wat::parse_str("(module)").unwrap()),
        ("short.wasm", connector()[..5_000].to_vec()),
        ("empty.wasm", wat::parse_str("(component)").unwrap()),
        ("command.wasm", exporting("wasi:cli/run@0.2.12", "")),
        ("later.wasm", exporting("sanderling:connector/source@0.2.0", "")),
        ("shape.wasm", exporting("sanderling:connector/source@0.1.0", "")),
        (
            "wasi.wasm",
            exporting(
                "sanderling:connector/source@0.1.0",
                "(import \"wasi:http/types@0.3.0\" (instance (export \"x\" (func))))",
            ),
        ),
    ];
    let mut said = folder.run(&["run", "api.yaml", "--connector", "nowhere.wasm"]).expect(2).stderr;
    said += &folder.run(&["run", "api.yaml", "--connector", "."]).expect(2).stderr;
    for (name, bytes) in files {
        std::fs::write(folder.path(name), bytes).unwrap();
        said += &folder.run(&["run", "api.yaml", "--connector", name]).expect(2).stderr;
    }
    // Where it ends goes by what the contract's types take.
    let said = said.split("(at offset 0x").enumerate().map(|(at, part)| match (at, part.split_once(')')) {
        (1.., Some((_, rest))) => format!("(at offset 0x…){rest}"),
        _ => part.to_owned(),
    });
    let said: String = said.collect();
    assert_snapshot!(said, @r"
    error: the connector nowhere.wasm cannot be read: there is no such file
    error: the connector . cannot be read: it is a folder
    error: text.wasm: not WebAssembly
    hint: a connector is a WebAssembly component, a file that ends in .wasm
    error: module.wasm: a core WebAssembly module, and not a component
    hint: build it for wasm32-wasip2, or make a component of it: wasm-tools component new
    error: short.wasm: a WebAssembly component that does not compile: failed to parse WebAssembly module: unexpected end-of-file (at offset 0x…)
    hint: the file may be cut short: fetch or build it again
    error: empty.wasm: a component of another world: it exports nothing
    hint: a connector exports sanderling:connector/source@0.1.0: build it for the world of wit/connector.wit
    error: command.wasm: a component of another world: it exports wasi:cli/run@0.2.12
    hint: a connector exports sanderling:connector/source@0.1.0: build it for the world of wit/connector.wit
    error: later.wasm: a connector of another version of the contract: it exports sanderling:connector/source@0.2.0
    hint: this program takes sanderling:connector/source@0.1.0: build it for that, or take another version of one of both
    error: shape.wasm: it exports sanderling:connector/source@0.1.0, but not as the contract has it: instance export `sanderling:connector/source@0.1.0` does not have export `list-resources`
    hint: build it against the wit/connector.wit of this version
    error: wasi.wasm: the connector wants `wasi:http/types@0.3.0`, which connectors do not get
    hint: connectors get wasi:http/outgoing-handler and what standard libraries want of WASI 0.2, and nothing else: build it without
    ");
    assert_eq!(folder.names().len(), 9, "nothing was written: {:?}", folder.names());
}

/// A component with an instance of nothing under this name.
fn exporting(name: &str, import: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {import} (instance $i) (export \"{name}\" (instance $i)))")).unwrap()
}
