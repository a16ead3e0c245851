//! What the README and `docs/` show is real: commands run and print what stands there, configs are accepted.
//!
//! - ` ```console `: a command with output below it is run, in the order of the document, in one folder a document; the
//!   output must be what is printed. A command without output is an illustration, whose arguments must be right. `cargo
//!   run --release --` is the program; a command that ends in `&` goes on until the document ends. `sanderling …` within a
//!   sentence is an illustration too.
//! - ` ```yaml `, ` ```json `, ` ```toml `: a config, which the connector must accept. One that begins with `# FILE` or
//!   `# FILE: …` is put into the folder under that name.
//!   `manifest.yaml` is no config, and only put there.
//! - ` ```python `, whose first line is `# FILE`: put into the folder under that name.
//! - `<!-- not run: reason -->` before a block leaves it out; how often that is done is pinned here.
//!
//! Compared are lines, with runs of blanks as one. `#` stands for what differs from run to run: numbers with a decimal
//! point (seconds), times of day, ports. Of the progress lines of a resource only the first counts: the others come by
//! the clock.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use clap::Parser;
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
use sanderling::cli::Cli;

use crate::program::Folder;

/// How many blocks of each document are left out.
const LEFT_OUT: &[(&str, usize)] = &[("README.md", 4)];

/// A fenced block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    language: String,
    text: String,
    /// Why it is left out.
    not_run: Option<String>,
}

/// A command of a console block, and what is shown below it.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    command: String,
    output: Vec<String>,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let (mut blocks, mut block, mut not_run) = (Vec::new(), None, None);
    for event in pulldown_cmark::Parser::new(markdown) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                let reason = html.trim().strip_prefix("<!-- not run: ").and_then(|h| h.strip_suffix(" -->"));
                not_run = reason.map(str::to_owned).or(not_run);
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                block = Some(Block { language, text: String::new(), not_run: not_run.take() });
            }
            Event::Text(text) => {
                if let Some(block) = &mut block {
                    block.text.push_str(&text);
                }
            }
            Event::Code(code) if code.starts_with("sanderling ") => blocks.push(Block {
                language: "console".to_owned(),
                text: format!("$ {code}"),
                not_run: None,
            }),
            Event::End(TagEnd::CodeBlock) => blocks.extend(block.take()),
            _ => {}
        }
    }
    assert!(not_run.is_none(), "a mark is before no block: {not_run:?}");
    blocks
}

fn commands(block: &str) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push(Shown { command: command.to_owned(), output: Vec::new() }),
            (None, Some(last)) => last.output.push(line.to_owned()),
            (None, None) => panic!("a console block begins with a command: {block}"),
        }
    }
    commands
}

/// The lines that count, without what differs from run to run.
fn normal<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let lines = lines.into_iter().map(|line| {
        let words: Vec<String> = line.split_whitespace().map(normal_word).collect();
        words.join(" ")
    });
    let mut lines: Vec<String> = lines
        .filter(|line| match progress_of(line) {
            Some(resource) if seen.iter().any(|s| s == resource) => false,
            Some(resource) => {
                seen.push(resource.to_owned());
                true
            }
            None => true,
        })
        .collect();
    // Blank lines at the end are the document's.
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The resource of a line such as `tasks: 10 of 20 rows, 1 page`.
fn progress_of(line: &str) -> Option<&str> {
    let (resource, rest) = line.split_once(": ")?;
    let is_progress =
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(" row") && rest.contains(" page");
    is_progress.then_some(resource)
}

/// A word with `#` for numbers with a point, times of day and ports.
fn normal_word(word: &str) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'))).unwrap_or(from.len());
        let number = from[..end].trim_end_matches(['.', ':']);
        let varies = number.contains(['.', ':']);
        text.push_str(before);
        text.push_str(match number.strip_prefix("127.0.0.1:") {
            Some(_) => "127.0.0.1:#",
            None if varies => "#",
            None => number,
        });
        rest = &from[number.len()..];
    }
    text + rest
}

/// A document being gone through, with the folder that its commands run in.
struct Reading {
    folder: Folder,
    background: Vec<Child>,
}

impl Reading {
    /// What is wrong with a block, if anything is.
    fn check(&mut self, block: &Block) -> Option<String> {
        match block.language.as_str() {
            "console" => commands(&block.text).iter().find_map(|shown| self.command(shown)),
            language @ ("yaml" | "json" | "toml") => self.config(language, &block.text),
            "python" => self.python(&block.text),
            _ => None,
        }
    }

    fn command(&mut self, shown: &Shown) -> Option<String> {
        let command = shown.command.replace("cargo run --release --", "sanderling");
        if let Some(command) = command.strip_suffix('&') {
            self.start(command);
            return None;
        }
        if shown.output.is_empty() {
            return illustration(&command);
        }
        let printed = self.run(&command);
        let (printed, shown) = (normal(printed.lines()), normal(shown.output.iter().map(String::as_str)));
        if printed == shown {
            return None;
        }
        let (printed, shown) = (printed.join("\n"), shown.join("\n"));
        Some(format!("`{command}` is shown with\n{shown}\n\nand prints\n{printed}\n"))
    }

    fn shell(&self, command: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_sanderling")).parent().unwrap();
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(program.to_owned()).chain(std::env::split_paths(&paths));
        let mut shell = self.folder.command_of("sh", &["-c", command]);
        shell.env("PATH", std::env::join_paths(paths).unwrap());
        shell
    }

    /// Everything that a command prints, in order.
    fn run(&self, command: &str) -> String {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut shell = self.shell(command);
        shell.stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut child = shell.spawn().unwrap();
        // With it goes this process's end of the pipe.
        drop(shell);
        let mut printed = String::new();
        reader.read_to_string(&mut printed).unwrap();
        child.wait().unwrap();
        printed
    }

    /// Starts a command that goes on, and waits until it has said something.
    fn start(&mut self, command: &str) {
        let mut child = self.shell(&format!("exec {command}")).spawn().unwrap();
        let mut first = [0];
        child.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
        self.background.push(child);
    }

    fn python(&self, text: &str) -> Option<String> {
        let name = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let Some(name) = name.filter(|name| name.ends_with(".py")) else {
            return Some(format!("{text}\ndoes not begin with its file's name"));
        };
        self.folder.write(name, text);
        None
    }

    /// Asks the connector for what a config would read: nothing is sent.
    fn config(&self, language: &str, text: &str) -> Option<String> {
        let comment = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
        let name = comment.split([':', ' ']).next().filter(|name| name.ends_with(&format!(".{language}")));
        let name = name.map_or_else(|| format!("shown.{language}"), str::to_owned);
        self.folder.write(&name, text);
        if name == "manifest.yaml" {
            return None;
        }
        let ran = self.folder.run(&["resources", &name]);
        (ran.code != Some(0)).then(|| format!("{text}\nis not accepted:\n{}", ran.stderr))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        for child in &mut self.background {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What is wrong with the arguments of a command that is not run.
fn illustration(command: &str) -> Option<String> {
    let Some(words) = shlex::split(command) else { return Some(format!("`{command}` is no command")) };
    let is_end = |word: &String| matches!(word.as_str(), "|" | ">" | "&&" | ";");
    let words = words.into_iter().take_while(|word| !is_end(word));
    // What is set for the command alone.
    let words: Vec<String> = words.skip_while(|word| word.contains('=')).collect();
    if words.first().is_none_or(|program| program != "sanderling") {
        return None;
    }
    let error = Cli::try_parse_from(&words).err()?;
    error.use_stderr().then(|| format!("`{command}`: {error}"))
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = vec![root.join("README.md")];
    if let Ok(entries) = std::fs::read_dir(root.join("docs")) {
        let paths = entries.map(|entry| entry.unwrap().path());
        documents.extend(paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    documents.sort();
    documents
}

#[test]
fn what_the_documents_show_is_so() {
    let mut left_out = Vec::new();
    let mut wrong = Vec::new();
    for path in documents() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let blocks = blocks(&std::fs::read_to_string(&path).unwrap());
        let mut reading = Reading { folder: Folder::new(), background: Vec::new() };
        // The connector that documents speak of.
        std::fs::write(reading.folder.path("weather.wasm"), crate::weather::connector()).unwrap();
        left_out.push((name.clone(), blocks.iter().filter(|block| block.not_run.is_some()).count()));
        for block in blocks.iter().filter(|block| block.not_run.is_none()) {
            wrong.extend(reading.check(block).map(|why| format!("{name}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    left_out.retain(|(_, count)| *count > 0);
    let pinned: Vec<_> = LEFT_OUT.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(left_out, pinned, "blocks that are left out");
}

#[test]
fn blocks_are_found_with_their_marks() {
    let found = blocks(
        "# T\n\nBy `sanderling x`, `y`.\n\n```console\n$ a\nb\n\nc\n$ d # e\n```\n\n<!-- not run: a secret -->\n```toml\nx = 1\n```\n\n```yaml\ny\n```\n",
    );
    let marks: Vec<_> =
        found.iter().map(|block| (block.language.as_str(), block.not_run.as_deref())).collect();
    assert_eq!(marks, [("console", None), ("console", None), ("toml", Some("a secret")), ("yaml", None)]);
    let shown = commands(&found[1].text);
    let shown: Vec<_> = shown.iter().map(|s| (s.command.as_str(), s.output.join("|"))).collect();
    assert_eq!(shown, [("a", "b||c".to_owned()), ("d # e", String::new())]);
}

#[test]
fn what_differs_from_run_to_run_is_not_compared() {
    let cases = [
        ("try 2 in 2.1 s", "try 2 in # s"),
        (" a   20  0.0  ", "a 20 #"),
        ("until 14:05:03 (429)", "until # (429)"),
        ("http://127.0.0.1:8765/x?limit=5", "http://127.0.0.1:#/x?limit=5"),
        ("page 2: the API answered 410", "page 2: the API answered 410"),
        ("ends. 5. 6:", "ends. 5. 6:"),
    ];
    for (line, expected) in cases {
        assert_eq!(normal([line]), [expected]);
    }
    let lines =
        ["a: 1 of 9 rows, 1 page", "b: 1 row, 1 page", "a: 5 of 9 rows, 2 pages", "a: complete, 9 rows"];
    assert_eq!(normal(lines), [lines[0], lines[1], lines[3]]);
}

#[test]
fn a_command_that_could_not_be_typed_is_found() {
    for good in [
        "sanderling run time.yaml --to jsonl:out # into out",
        "sanderling demo serve > demo.yaml",
        "K=v sanderling check time.yaml | head",
        "sanderling --help",
        "cargo test --release",
    ] {
        assert_eq!(illustration(good), None);
    }
    for bad in ["sanderling run time.yaml --too jsonl:out", "sanderling chekc time.yaml", "sanderling run 'a"]
    {
        assert!(illustration(bad).is_some(), "{bad}");
    }
}
