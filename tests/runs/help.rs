//! Help: what each command shows of itself, in short and in full.

use insta::assert_snapshot;

use crate::program::Folder;

fn help(args: &[&str]) -> String {
    Folder::new().run(&[args, &["--help"]].concat()).expect(0).stdout
}

#[test]
fn of_the_program() {
    assert_snapshot!(help(&[]), @r"
    Pulls REST APIs into files and databases, with every connector locked in a WebAssembly sandbox

    Usage: sanderling [OPTIONS] <COMMAND>

    Commands:
      init         Make a first config: asks the API for one page
      check        Try a config: its keys, its secrets, a page of each resource. Writes no rows
      preview      Show the first rows of a resource. Writes nothing
      run          Read a config's resources into a database or files
      status       Show where pipelines stand, and what a next run would do
      demo         Read the built-in demo API into demo.db, or serve it
      resources    List a config's resources, as they are read
      schema       Show the columns of what was loaded; also as JSON Schema, SQL, dlt's hints
      state        Look at what is remembered of the last runs, change or forget it
      config       Look at a config
      import       Make a config of what another tool reads
      adopt        Take over the tables of a dlt pipeline, and go on where it stopped
      connector    Look at connectors that are not built in
      completions  Print a script that completes commands and flags in a shell
      man          Print the manual page, or write one for each command
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling demo                                read a built-in demo API into demo.db
      sanderling check api.yaml                      try a config, write nothing
      sanderling preview api.yaml users              look at the first rows
      sanderling run api.yaml --to jsonl:out         read it into out/<resource>.jsonl
      sanderling run api.yaml --secret api_key=file:key.txt

    Exit codes: 0 complete; 2 config or usage; 3 credential; 4 try later; 5 data refused;
    1 anything else; 130 interrupted. Of several, the first of 2, 3, 5, 4, 1.
    ");
}

#[test]
fn of_check() {
    assert_snapshot!(help(&["check"]), @r"
    Try a config: its keys, its secrets, a page of each resource. Writes no rows

    Usage: sanderling check [OPTIONS] <CONFIG>

    Arguments:
      <CONFIG>
              The config: YAML, JSON or TOML, in the shape of dlt's rest_api source

    Options:
          --resource <NAME>
              Only this resource (may be repeated); parents are read along as needed

          --connector <FILE>
              A connector that is not built in: a WebAssembly component
              
              The config is then what that connector takes, beside Sanderling's own keys. It reaches
              only what is allowed.

          --secret <NAME=SOURCE>
              Where a secret comes from: NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND

          --allow <ORIGIN>
              An origin that requests may go to beside the config's own, such as
              https://files.example.com
              
              A connector that is not built in may reach no other. It may send GET and HEAD; 'POST
              https://files.example.com' lets it send POST there too.

          --plaintext-secrets
              Send secrets over plain http to other machines too
              
              Anyone on the way can read them.

          --fix
              Write what was guessed into the config, and leave all else in it as it is

          --frozen
              Take no guesses: what the config does not say is an error

          --openapi <FILE>
              Compare the columns that come with those that an OpenAPI file documents

          --json
              Print one JSON document of the result on stdout

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling check api.yaml
      sanderling check api.yaml --resource users --secret api_key=env:API_KEY
      sanderling check api.yaml --fix       write what was guessed into api.yaml; comments stay
      sanderling check api.yaml --openapi openapi.yaml

    Exit codes: 0 good; 2 config or usage; 3 credential; 4 try later; 5 data refused; 1 anything else.
    Of several, the first of 2, 3, 5, 4, 1.

    `sanderling run --help` shows a config.
    ");
}

#[test]
fn of_preview() {
    assert_snapshot!(help(&["preview"]), @r"
    Show the first rows of a resource. Writes nothing

    Usage: sanderling preview [OPTIONS] <CONFIG> <RESOURCE>

    Arguments:
      <CONFIG>
              The config: YAML, JSON or TOML, in the shape of dlt's rest_api source

      <RESOURCE>
              Whose rows; parents are read along as needed

    Options:
          --connector <FILE>
              A connector that is not built in: a WebAssembly component
              
              The config is then what that connector takes, beside Sanderling's own keys. It reaches
              only what is allowed.

          --secret <NAME=SOURCE>
              Where a secret comes from: NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND

          --allow <ORIGIN>
              An origin that requests may go to beside the config's own, such as
              https://files.example.com
              
              A connector that is not built in may reach no other. It may send GET and HEAD; 'POST
              https://files.example.com' lets it send POST there too.

          --plaintext-secrets
              Send secrets over plain http to other machines too
              
              Anyone on the way can read them.

      -n, --rows <N>
              How many rows
              
              [default: 20]

          --json
              Print rows as lines of JSON in a terminal too

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling preview api.yaml users             a table of the first 20 rows
      sanderling preview api.yaml tasks -n 100 | jq .name

    In a pipe each row is a line of JSON, as `run` would write it.

    Exit codes: 0 shown; 2 config or usage; 3 credential; 4 try later; 5 data refused; 1 anything else.
    ");
}

#[test]
fn of_run() {
    assert_snapshot!(help(&["run"]), @r#"
    Read a config's resources into a database or files

    Usage: sanderling run [OPTIONS] <CONFIG>

    Arguments:
      <CONFIG>
              The config: YAML, JSON or TOML, in the shape of dlt's rest_api source

    Options:
          --resource <NAME>
              Only this resource (may be repeated); parents are read along as needed

          --connector <FILE>
              A connector that is not built in: a WebAssembly component
              
              The config is then what that connector takes, beside Sanderling's own keys. It reaches
              only what is allowed.

          --secret <NAME=SOURCE>
              Where a secret comes from: NAME=env:VAR, NAME=file:PATH or NAME=cmd:COMMAND

          --allow <ORIGIN>
              An origin that requests may go to beside the config's own, such as
              https://files.example.com
              
              A connector that is not built in may reach no other. It may send GET and HEAD; 'POST
              https://files.example.com' lets it send POST there too.

          --plaintext-secrets
              Send secrets over plain http to other machines too
              
              Anyone on the way can read them.

          --to <TARGET>
              Where rows go: sqlite:FILE, duckdb:FILE, postgresql://..., adbc:DRIVER?..., jsonl:DIR,
              parquet:DIR or - (standard output) [default: the config's `to`, else sqlite:<name>.db
              here]

          --state <DIR>
              Where a jsonl destination keeps its state [default: DIR/.sanderling]

          --fresh
              Start again, even if the last run broke off a moment ago

          --since <VALUE>
              Read incremental resources from here on, as a backfill
              
              How far they had been read stays as it is. Rows that are there already are merged, or
              added once more.

          --until <VALUE>
              Read incremental resources up to here, as a backfill

          --full-refresh
              Read incremental resources from their beginning
              
              Once all is read, appended rows give way to the new ones. Merged rows are merged.

          --strict
              Refuse what the destination cannot do as the config says

          --frozen
              Take no guesses: what the config does not say is an error

          --retry-failed
              Read only the parents whose rows could not be read in the last run

          --dry-run
              Read the first page of each resource, write nothing, and say what a run would make or
              change
              
              No file, folder, table or lock is made: not those of a destination that is not there
              either.

          --max-pages <N>
              Read at most so many pages of each resource

          --progress <HOW>
              How progress is shown

              Possible values:
              - auto:  Bars in a terminal, plain lines elsewhere
              - bar:   A bar for each resource
              - plain: A line now and then
              - json:  One JSON object a line, for programs; errors too
              - none:  Nothing
              
              [default: auto]

          --json
              Print one JSON document of the result on stdout

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling run api.yaml                                into api.db, or where the config's `to`
      says
      sanderling run api.yaml --to jsonl:out                 into out/<resource>.jsonl
      sanderling run api.yaml --resource users --max-pages 1 --to sqlite:sample.db
      sanderling run api.yaml --dry-run                      what a run would make or change
      sanderling run api.yaml --retry-failed                 only the parents that failed last time
      sanderling run api.yaml --since 2024-05 --until 2024-06  a month of what is incremental, again
      sanderling run api.yaml --json --progress none         for programs: one document on stdout

    A config:
      client:
        base_url: https://api.example.com
        auth: {type: bearer, token: "${secrets.api_key}"}
      resources:
        users: /v1/users
        projects: /v1/projects
        tasks: /v1/projects/{parent_id}/tasks

    ${secrets.api_key} is given by --secret, by the variable SANDERLING_SECRET_API_KEY, or by a
    line in .sanderling/secrets.toml (mode 0600).

    Exit codes: 0 complete; 2 config or usage; 3 credential; 4 try later; 5 data refused;
    1 anything else; 130 interrupted. Of several, the first of 2, 3, 5, 4, 1.
    "#);
}

#[test]
fn of_demo() {
    assert_snapshot!(help(&["demo"]), @r"
    Read the built-in demo API into demo.db, or serve it

    Usage: sanderling demo [OPTIONS] [COMMAND]

    Commands:
      serve  Serve the demo API on loopback until Ctrl-C, and print a config for it
      help   Print this message or the help of the given subcommand(s)

    Options:
          --progress <HOW>
              How progress is shown

              Possible values:
              - auto:  Bars in a terminal, plain lines elsewhere
              - bar:   A bar for each resource
              - plain: A line now and then
              - json:  One JSON object a line, for programs; errors too
              - none:  Nothing
              
              [default: auto]

          --json
              Print one JSON document of the result on stdout

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling demo                       read it into demo.db; a second time merges, and doubles
      nothing
      sanderling demo serve > demo.yaml     serve it until Ctrl-C, and make a config that reads it
    ");
}

#[test]
fn of_demo_serve() {
    assert_snapshot!(help(&["demo", "serve"]), @r"
    Serve the demo API on loopback until Ctrl-C, and print a config for it

    Usage: sanderling demo serve [OPTIONS]

    Options:
          --port <PORT>
              The port [default: a free one]

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling demo serve > demo.yaml
      sanderling demo serve --port 8080
    ");
}

#[test]
fn of_completions() {
    assert_snapshot!(help(&["completions"]), @r"
    Print a script that completes commands and flags in a shell

    Usage: sanderling completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>
              Which shell
              
              [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling completions bash > ~/.local/share/bash-completion/completions/sanderling
      sanderling completions zsh > ~/.zfunc/_sanderling
      sanderling completions fish > ~/.config/fish/completions/sanderling.fish
    ");
}

#[test]
fn of_man() {
    assert_snapshot!(help(&["man"]), @r"
    Print the manual page, or write one for each command

    Usage: sanderling man [OPTIONS]

    Options:
          --dir <DIR>
              Write a page for each command into this folder

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling man | man -l -
      sanderling man --dir ~/.local/share/man/man1
    ");
}

#[test]
fn of_schema() {
    assert_snapshot!(help(&["schema"]), @r"
    Show the columns of what was loaded; also as JSON Schema, SQL, dlt's hints

    Usage: sanderling schema [OPTIONS] <CONFIG> [RESOURCE]...

    Arguments:
      <CONFIG>
              The config: YAML, JSON or TOML, in the shape of dlt's rest_api source

      [RESOURCE]...
              Only these resources

    Options:
          --connector <FILE>
              A connector that is not built in: a WebAssembly component
              
              The config is then what that connector takes, beside Sanderling's own keys. It reaches
              only what is allowed.

          --to <TARGET>
              Where its rows went [default: as in `run`]

          --state <DIR>
              Where a parquet destination keeps its state [default: DIR/.sanderling]

          --format <FORMAT>
              How they are printed

              Possible values:
              - table:       A table for each table
              - json-schema: A JSON Schema (draft 2020-12) with a definition for each table
              - sql:         Statements that make the tables
              - dlt:         YAML, as `columns` of dlt's resources and of this program's take it
              
              [default: table]

          --dialect <DATABASE>
              For which database statements are written [default: the destination's own; for files,
              PostgreSQL]

              Possible values:
              - sqlite:     SQLite
              - postgresql: PostgreSQL
              - duckdb:     DuckDB

          --json
              Print one JSON document on stdout

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling schema api.yaml                        the columns of each table
      sanderling schema api.yaml tasks --format dlt     what `columns` of the config would say of them
      sanderling schema api.yaml --format sql > tables.sql
      sanderling schema api.yaml --format sql --dialect postgresql
      sanderling schema api.yaml --format json-schema > rows.schema.json

    It looks at what runs have left in the destination; the API is not asked.
    ");
}

#[test]
fn of_resources() {
    assert_snapshot!(help(&["resources"]), @r"
    List a config's resources, as they are read

    Usage: sanderling resources [OPTIONS] <CONFIG>

    Arguments:
      <CONFIG>
              The config: YAML, JSON or TOML, in the shape of dlt's rest_api source

    Options:
          --connector <FILE>
              A connector that is not built in: a WebAssembly component
              
              The config is then what that connector takes, beside Sanderling's own keys. It reaches
              only what is allowed.

          --json
              Print one JSON document on stdout

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling resources api.yaml
      sanderling resources api.yaml --json | jq -r '.resources[].name'

    Secrets are not needed, and nothing is sent.
    ");
}

#[test]
fn of_config_show() {
    assert_snapshot!(help(&["config", "show"]), @r"
    Print a config as it is understood, defaults filled in, as JSON

    Usage: sanderling config show [OPTIONS] <CONFIG>

    Arguments:
      <CONFIG>
              The config: YAML, JSON or TOML, in the shape of dlt's rest_api source

    Options:
          --connector <FILE>
              A connector that is not built in: a WebAssembly component
              
              The config is then what that connector takes, beside Sanderling's own keys. It reaches
              only what is allowed.

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling config show api.toml
      sanderling config show api.yaml | jq .limits

    Credentials are hidden; references such as ${secrets.api_key} stay. Nothing is sent.
    ");
}

/// What is meant to be read at a glance.
#[test]
fn short_help_fits_a_screen() {
    for command in ["check", "preview", "run", "demo", "resources", "schema", "config", "completions", "man"]
    {
        let shown = Folder::new().run(&[command, "-h"]).expect(0).stdout;
        let (lines, width) = (shown.lines().count(), shown.lines().map(|line| line.chars().count()).max());
        assert!(lines <= 40 && width <= Some(100), "{command}: {lines} lines, {width:?} columns\n{shown}");
        assert!(!shown.contains("Examples:"), "{shown}");
    }
}

/// A command alone says what it can do; that it was told nothing is an error.
#[test]
fn of_connector_inspect() {
    assert_snapshot!(help(&["connector", "inspect"]), @r"
    Show what a component exports and imports, and whether it is a connector

    Usage: sanderling connector inspect [OPTIONS] <FILE>

    Arguments:
      <FILE>
              The component's file

    Options:
          --json
              Print one JSON document on stdout

      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -v, --verbose...
              Show a line for each request; twice, also each page and why a run does what it does

      -q, --quiet...
              Show errors and the result only; twice, nothing but the exit code

          --color <WHEN>
              Whether to use colors [default: auto]
              
              `auto` is a terminal that has them, unless NO_COLOR is set; CLICOLOR_FORCE asks for them
              everywhere.

    Examples:
      sanderling connector inspect weather.wasm
      sanderling connector inspect weather.wasm --json | jq -r .sha256
    ");
}

#[test]
fn of_status_state_and_import() {
    for (name, command) in [
        ("status", &["status"][..]),
        ("config_schema", &["config", "schema"]),
        ("state_show", &["state", "show"]),
        ("state_edit", &["state", "edit"]),
        ("state_reset", &["state", "reset"]),
        ("adopt", &["adopt"]),
        ("init", &["init"]),
        ("import", &["import"]),
        ("import_dlt", &["import", "dlt"]),
        ("import_airbyte", &["import", "airbyte"]),
    ] {
        assert_snapshot!(format!("help_{name}"), help(command));
    }
}

#[test]
fn the_program_alone_shows_its_help() {
    let alone = Folder::new().run(&[]).expect(2);
    let short = Folder::new().run(&["-h"]).expect(0).stdout;
    assert_eq!((alone.stdout.as_str(), alone.stderr), ("", short));
}

#[test]
fn help_is_in_color_where_it_is_asked_for() {
    for (args, env, colored) in [
        (&["run", "--help"][..], &[][..], false),
        (&["--color", "always", "run", "--help"], &[], true),
        (&["run", "--color=always", "--nonsense"], &[], true),
        (&["run", "--help"], &[("CLICOLOR_FORCE", "1")], true),
        (&["run", "--color", "never", "--help"], &[("CLICOLOR_FORCE", "1")], false),
        (&["run", "--help"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let mut folder = Folder::new();
        env.iter().for_each(|(name, value)| folder.env(name, value));
        let ran = folder.run(args);
        let shown = ran.stdout + &ran.stderr;
        assert_eq!(shown.contains('\u{1b}'), colored, "{args:?} {env:?}:\n{shown}");
    }
}
