//! Runs in a real terminal: what its screen shows while they go on, and at their end.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use sanderling_demo::{Action, Fault, KEY, Options, Reply, Server, When, demo_config, start};

use crate::program::Folder;

/// The program in a pseudo-terminal, which `script` of util-linux gives it, and what a terminal would show of it. (A crate
/// for it would change the features of what wasmtime stands on, and have the tests build that once more.)
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<vt100::Parser>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    fn start(folder: &Folder, columns: u16, rows: u16, args: &[&str]) -> Self {
        let like = folder.command(args);
        let program = like.get_program().to_str().unwrap();
        let line = shlex::try_join([program].into_iter().chain(args.iter().copied())).unwrap();
        let line = format!("stty columns {columns} rows {rows} && exec {line}");
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(folder.dir()).env_clear();
        for (name, value) in like.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keys, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 1_000)));
        let shown = screen.clone();
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..read]);
            }
        });
        Self { child, keys, screen, reader }
    }

    fn text(&self) -> String {
        let screen = self.screen.lock().unwrap();
        let rows: Vec<String> =
            screen.screen().rows(0, u16::MAX).map(|row| row.trim_end().to_owned()).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// Waits until the screen is as `wanted`.
    fn wait_until(&self, wanted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if wanted(&text) {
                return text;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "that does not come:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&self, keys: &[u8]) {
        (&self.keys).write_all(keys).unwrap();
    }

    /// Waits for the end; gives the exit code and the last screen.
    fn end(mut self) -> (Option<i32>, String) {
        // `wait` would close the keys first, which the program would see as their end.
        let code = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        while !self.reader.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let screen = self.screen.lock().unwrap();
        assert!(!screen.screen().hide_cursor() && !screen.screen().alternate_screen());
        assert_eq!(screen.screen().cursor_position().1, 0, "the prompt would stand behind what is shown");
        drop(screen);
        (code, self.text())
    }
}

fn demo() -> (Server, Folder) {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::with_key(KEY);
    folder.write("demo.yaml", &demo_config(&server.base_url()));
    (server, folder)
}

/// A page that has to be waited for, for longer than a test takes.
fn hold(server: &Server, path: &str, nth: u64) {
    let answer = Reply::status(429).header("Retry-After", "100");
    server.add_fault(Fault::new(path, When::Nth(nth), Action::Answer(answer)));
}

/// The text with the times taken out.
fn settled(text: &str) -> String {
    let clock = |word: &str| word.len() == 8 && word.matches(':').count() == 2;
    let seconds = |word: &str| {
        word.len() == 3 && word.ends_with(|c: char| c.is_ascii_digit()) && word[1..].starts_with('.')
    };
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end();
        let rest = &word[bare.len()..];
        match bare {
            _ if clock(bare) => format!("[TIME]{rest}"),
            _ if seconds(bare) => format!("0.0{rest}"),
            _ => word.to_owned(),
        }
    });
    words.collect()
}

#[test]
fn a_run_leaves_its_story_and_its_table() {
    let (_server, folder) = demo();
    let (code, screen) = Terminal::start(&folder, 120, 30, &["run", "demo.yaml"]).end();
    assert_eq!(code, Some(0), "{screen}");
    assert_snapshot!(settled(&screen), @r#"
    note: `{parent_id}` in the path of `tasks` is taken to be `id` of `projects`; its rows carry it as `_projects_id`
    hint: in demo.yaml:20 write `tasks: {endpoint: "/v1/projects/{resources.projects.id}/tasks", include_from_parent: [id]}`
     projects: complete, 20 rows
     tasks: complete, 200 rows
     time_entries: complete, 2,500 rows
     expenses: complete, 340 rows
     clients: complete, 12 rows
     users: complete, 8 rows
     resource       rows  API's total  pages  retries  seconds
     projects         20           20      1        0      0.0
     tasks           200          200     20        0      0.0
     time_entries  2,500        2,500     25        0      0.0
     expenses        340          340      4        0      0.0
     clients          12           12      1        0      0.0
     users             8            8      1        0      0.0
    look at it: sqlite3 demo.db 'select * from "projects" limit 5'
    "#);
}

#[test]
fn bars_show_what_is_waited_for_and_ctrl_c_takes_them_away() {
    let (server, folder) = demo();
    folder.write("demo.yaml", &(demo_config(&server.base_url()) + "limits: {concurrency: 1}\n"));
    hold(&server, "/v1/expenses", 2);
    let terminal = Terminal::start(&folder, 100, 20, &["run", "demo.yaml", "--resource", "expenses"]);
    let screen = terminal.wait_until(|text| text.contains("waiting "));
    let bar = screen.lines().last().unwrap().to_owned();
    assert!(bar.starts_with(" expenses  ━━━━━━━"), "{screen}");
    assert!(bar.contains(" s (429, try 2) until ") && bar.ends_with("100/340 rows"), "{screen}");
    // The countdown counts.
    let count = |text: &str| Some(text.split("waiting ").nth(1)?.split(' ').next()?.to_owned());
    terminal.wait_until(|text| count(text).is_some_and(|left| Some(left) != count(&screen)));
    terminal.press(b"\x03");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    assert!(!screen.contains('━') && !screen.contains("waiting"), "{screen}");
    assert!(screen.contains("\n expenses: not finished, 100 rows\n resource  rows "), "{screen}");
    let end = "\nstopped; what is whole was kept: run the same command again to go on from there";
    assert!(screen.ends_with(end), "{screen}");
}

#[test]
fn a_narrow_terminal_is_not_garbled() {
    let (server, folder) = demo();
    hold(&server, "/v1/expenses", 2);
    let terminal = Terminal::start(&folder, 40, 20, &["-q", "run", "demo.yaml", "--resource", "expenses"]);
    while server.requests().len() < 2 {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(terminal.text(), "", "quiet");
    terminal.press(b"\x03");
    assert_eq!(terminal.end().0, Some(130));
    // The notices of the demo are longer than 40 columns: a config without any.
    folder.write("small.yaml", &format!("client: {{base_url: '{}'}}\nresources:\n- name: expenses\n  primary_key: id\n  endpoint: {{path: /v1/expenses, data_selector: data, params: {{api_key: '${{secrets.api_key}}'}}, paginator: {{type: offset, limit: 100}}}}\n", server.base_url()));
    server.clear_faults();
    hold(&server, "/v1/expenses", 2);
    let terminal = Terminal::start(&folder, 40, 20, &["run", "small.yaml"]);
    let screen = terminal.wait_until(|text| text.contains("waiting "));
    assert_eq!(screen.lines().count(), 1, "{screen}");
    terminal.press(b"\x03");
    assert_eq!(terminal.end().0, Some(130));
}

#[test]
fn more_resources_than_rows_do_not_scroll() {
    let (server, folder) = demo();
    let children: String = (0..12)
        .map(|at| {
            format!(
                "- name: c{at:02}\n  endpoint: {{path: '/v1/projects/{{resources.projects.id}}/tasks'}}\n"
            )
        })
        .collect();
    folder.write(
        "many.yaml",
        &format!(
            "client: {{base_url: '{}', auth: {{type: api_key, name: api_key, api_key: '${{secrets.api_key}}', location: query}}}}\n\
             resource_defaults:\n  primary_key: id\n  endpoint: {{data_selector: data, paginator: {{type: offset, limit: 10}}}}\n\
             resources:\n- name: projects\n  endpoint: {{path: /v1/projects}}\n{children}",
            server.base_url()
        ),
    );
    hold(&server, "/v1/projects", 2);
    let terminal = Terminal::start(&folder, 80, 10, &["run", "many.yaml"]);
    terminal.wait_until(|text| text.contains("waiting "));
    let screen = terminal.wait_until(|text| text.matches("10/10 parents").count() == 6);
    let names: Vec<&str> = screen.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["projects", "c00", "c01", "c02", "c03", "c04", "c05", "and"], "{screen}");
    assert!(screen.ends_with("and 6 more"), "{screen}");
    terminal.press(b"\x03");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    assert!(
        screen.ends_with("stopped; what is whole was kept: run the same command again to go on from there"),
        "{screen}"
    );
}

#[test]
fn init_asks_for_what_is_not_said() {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::new();
    let terminal = Terminal::start(&folder, 120, 40, &["init"]);
    let shown = |text: &str| text.replace(&server.base_url(), "http://API");
    terminal.wait_until(|screen| screen.contains("The address of a list"));
    terminal.press(format!("{}/v1/users\r", server.base_url()).as_bytes());
    let asked = terminal.wait_until(|screen| screen.contains("none of these"));
    terminal.press(b"\x1b[B");
    terminal.wait_until(|screen| screen.contains("> a key in a header"));
    terminal.press(b"\r");
    terminal.wait_until(|screen| screen.contains("Which header?"));
    terminal.press(b"X-Api-Key\r");
    terminal.wait_until(|screen| screen.contains("it is not shown"));
    terminal.press(format!("{KEY}\r").as_bytes());
    terminal.wait_until(|screen| screen.contains("Write api.yaml?"));
    terminal.press(b"y");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains(KEY), "{screen}");
    assert_snapshot!(format!("{}\n--- at the end ---\n{}", shown(&asked), shown(&screen)));
    assert!(folder.read(".sanderling/secrets.toml").contains(KEY) && !folder.read("api.yaml").contains(KEY));
    folder.run(&["check", "api.yaml", "--frozen"]).expect(0);
}

#[test]
fn init_can_be_broken_off_and_writes_nothing() {
    let server = start(Options { key: Some(KEY.into()), ..Options::default() }).unwrap();
    let folder = Folder::new();
    let spec =
        "openapi: 3.1.0\nservers: [{url: \"API/v1\"}]\npaths: {/users: {get: {}}, /clients: {get: {}}}\n";
    folder.write("openapi.yaml", &spec.replace("API", &server.base_url()));
    let terminal = Terminal::start(&folder, 120, 40, &["init", "--openapi", "openapi.yaml"]);
    terminal.wait_until(|screen| screen.contains("> /users"));
    terminal.press(b"\x1b[B\r");
    terminal.wait_until(|screen| screen.contains("> a bearer token"));
    terminal.press(b"\x1b[B\x1b[B");
    terminal.wait_until(|screen| screen.contains("> a key in the query"));
    terminal.press(b"\r");
    terminal.wait_until(|screen| screen.contains("Which parameter?"));
    terminal.press(b"api_key\r");
    terminal.wait_until(|screen| screen.contains("it is not shown"));
    terminal.press(format!("{KEY}\r").as_bytes());
    terminal.wait_until(|screen| screen.contains("Write api.yaml?"));
    terminal.press(b"n");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert_snapshot!(screen.replace(&server.base_url(), "http://API"));
    assert_eq!(folder.names(), ["openapi.yaml"]);

    let terminal = Terminal::start(&folder, 120, 40, &["init"]);
    terminal.wait_until(|screen| screen.contains("The address of a list"));
    terminal.press(b"\x03");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    assert_snapshot!(screen);
    assert_eq!(folder.names(), ["openapi.yaml"]);
}
