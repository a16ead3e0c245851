//! `init`: asks an API for one page, and writes the config that reads it.

use std::io::{Read, Write};
use std::path::Path;

use serde_json::Value;

use super::terminal::tell;
use super::{ask, cache_dir, env, foreign};
use crate::cli::InitArgs;
use crate::contract::Setting;
use crate::document::Format;
use crate::error::Error;
use crate::init::{self, Draft, InitError, curl, key, openapi};
use crate::run::outcome::Failure;
use crate::sample::{Sampled, Sampler};
use crate::secrets::{self, store};
use crate::show::{Level, Show};
use crate::source::{self, Request, Source};
use crate::words::{self, exit};
use crate::{clock, report};

/// What settles one guess may uncover another; more rounds than this would be a circle.
const ROUNDS: usize = 5;

/// Runs the command.
pub async fn init(args: &InitArgs, show: Show) -> Result<u8, Error> {
    if !matches!(Format::of(&args.output).map_err(Error::Format)?, Format::Yaml) {
        return Err(Error::NotYaml(args.output.clone()));
    }
    if args.output.exists() {
        return Err(Error::Exists { path: args.output.clone(), force: false });
    }
    let asks = !args.yes && ask::can_ask();
    if asks {
        ask::expect_interruption();
    }
    let mut draft = draft(args, asks)?;
    if let Some(auth) = &args.auth {
        draft.auth = Some(auth.clone());
    }
    rename_taken(&mut draft)?;
    if asks {
        ask_for_credentials(args, &mut draft)?;
    }
    let mut page = first_page(args, &draft, show).await?;
    if asks && draft.auth.is_none() && page.as_ref().is_err_and(|failed| is_unauthorized(&failed.failure)) {
        tell(words::ASKED_WHO);
        draft.auth = ask::auth()?;
        ask_for_credentials(args, &mut draft)?;
        page = first_page(args, &draft, show).await?;
    }
    let page = match page {
        Ok(page) => page,
        Err(failed) => {
            let unknown = draft.auth.is_none() && is_unauthorized(&failed.failure);
            let failure = words::of_failure(&failed.failure, failed.source.subject());
            let words =
                words::of_no_first_page(failure, unknown).redacted(&|text| failed.source.vault.redact(text));
            if show.level > Level::Silent {
                tell(&report::lines(&words, show.paint));
            }
            return Ok(words.code);
        }
    };
    let name = draft.name();
    let key = key::primary_key(&name, &page.rows);
    let config = settled(args, &draft, key.as_deref(), page.guesses).await?;
    if show.level > Level::Silent {
        tell(&words::of_proposal(&name, &page.sampled, &config, show.paint));
    }
    if asks && !ask::consent(&format!("Write {}?", args.output.display()))? {
        return Ok(exit::COMPLETE);
    }
    write(&args.output, &init::text(&config, &draft.address()))?;
    keep(&draft)?;
    if show.level > Level::Silent {
        tell(&words::of_written(&args.output.display().to_string(), show.paint));
        if let Some(file) = &args.openapi {
            let (config, file) = (args.output.display().to_string(), file.display().to_string());
            tell(&words::of_comparable(&config, &file));
        }
        for (name, _) in &draft.credentials {
            tell(&words::of_kept(name, show.paint));
        }
    }
    Ok(exit::COMPLETE)
}

/// What is known before the API is asked.
fn draft(args: &InitArgs, asks: bool) -> Result<Draft, Error> {
    if let Some(line) = &args.curl {
        let line = if line == "-" { stdin()? } else { line.clone() };
        return curl::read(&line).map_err(Error::Init);
    }
    if let Some(file) = &args.openapi {
        let spec = foreign(file)?;
        let paths = openapi::paths(&spec);
        let mut path = args.path.clone();
        if asks && path.is_none() && paths.len() > 1 {
            path = paths.get(ask::choice("Which path?", &paths)?).cloned();
        }
        return openapi::draft(&spec, args.address.as_deref(), path.as_deref()).map_err(Error::Init);
    }
    let address = match &args.address {
        Some(address) => address.clone(),
        None if asks => ask::line("The address of a list that the API has, or a curl line")?,
        None => return Err(Error::Init(InitError::NoAddress)),
    };
    if address.trim_start().starts_with("curl ") {
        return curl::read(&address).map_err(Error::Init);
    }
    Draft::of_address(&address, args.path.as_deref()).map_err(Error::Init)
}

fn stdin() -> Result<String, Error> {
    let mut line = String::new();
    let read = std::io::stdin().read_to_string(&mut line);
    read.map_err(|error| Error::Unreadable {
        path: "stdin".into(),
        cause: words::of_io(&error),
        near: None,
    })?;
    Ok(line)
}

/// A secret of the same name may be kept for another API.
fn rename_taken(draft: &mut Draft) -> Result<(), Error> {
    if draft.credentials.is_empty() {
        return Ok(());
    }
    let taken = store::names(Path::new(secrets::FILE)).map_err(unkept)?;
    let clash = draft.credentials.iter().any(|(name, _)| taken.contains(name));
    if clash {
        let free = (2..).find(|at| !taken.iter().any(|name| name.ends_with(&format!("_{at}"))));
        draft.suffix = free.map(|at| format!("_{at}")).unwrap_or_default();
        for (name, _) in &mut draft.credentials {
            name.push_str(&draft.suffix);
        }
    }
    Ok(())
}

/// Asks for what the auth wants and nobody has given.
fn ask_for_credentials(args: &InitArgs, draft: &mut Draft) -> Result<(), Error> {
    let Some(auth) = draft.auth.clone() else { return Ok(()) };
    let kept = store::names(Path::new(secrets::FILE)).map_err(unkept)?;
    for name in auth.secrets() {
        let by_flag = args.secrets.iter().any(|flag| flag.split('=').next() == Some(name));
        let given =
            draft.credentials.iter().any(|(known, _)| known.strip_suffix(&draft.suffix) == Some(name));
        let kept = kept.iter().any(|known| known == name) && draft.suffix.is_empty();
        let none = draft.no_password && *name == "password";
        if !none && !by_flag && !given && !kept && env(&secrets::env_name(name)).is_none() {
            let value = ask::hidden(&format!("{name} (it is not shown)"))?;
            draft.credentials.push((format!("{name}{}", draft.suffix), value));
        }
    }
    Ok(())
}

/// A page, and what the connector guessed to read it.
struct First {
    sampled: Sampled,
    rows: Vec<u8>,
    guesses: Vec<Setting>,
}

/// Why there is none.
struct Failed {
    failure: Failure,
    source: Box<Source>,
}

async fn first_page(args: &InitArgs, draft: &Draft, show: Show) -> Result<Result<First, Failed>, Error> {
    let text = init::text(&draft.config(None), &draft.address());
    let given = |name: &str| {
        let mut credentials = draft.credentials.iter();
        let own =
            credentials.find(|(known, _)| secrets::env_name(known) == name).map(|(_, value)| value.clone());
        own.or_else(|| env(name))
    };
    let source = source::open(&request(args, &text, &given)).await?;
    let mut saw = |resource: &str, exchange: &sanderling_gate::Exchange| {
        if show.level >= Level::Verbose {
            tell(&format!("{}\n", show.paint.dim(&words::of_exchange(resource, exchange))));
        }
    };
    let mut look = Sampler::new(&source, false, clock::now_ms(), &mut saw).look(0).await;
    if let Some(failure) = look.failures.pop() {
        return Ok(Err(Failed { failure, source: Box::new(source) }));
    }
    let guesses = source.notices.iter().chain(look.pages.iter().flat_map(|page| &page.notices));
    let guesses = guesses.flat_map(|notice| notice.settles.iter().cloned()).collect();
    match look.pages.pop() {
        Some(sampled) => Ok(Ok(First { rows: sampled.rows.clone(), sampled, guesses })),
        None => Err(Error::Init(InitError::NoPage)),
    }
}

fn request<'a>(args: &'a InitArgs, text: &'a str, env: &'a dyn Fn(&str) -> Option<String>) -> Request<'a> {
    Request {
        path: &args.output,
        text,
        connector: None,
        resources: &[],
        range: false,
        to: None,
        secrets: &args.secrets,
        allow: &[],
        plaintext_secrets: args.plaintext_secrets,
        env,
        dir: Path::new("."),
        cache_dir: cache_dir(),
    }
}

fn is_unauthorized(failure: &Failure) -> bool {
    words::code_of_cause(&failure.cause) == exit::CREDENTIAL
}

/// The config with everything that was seen in it, as the connector accepts it.
async fn settled(
    args: &InitArgs,
    draft: &Draft,
    key: Option<&str>,
    mut guesses: Vec<Setting>,
) -> Result<Value, Error> {
    let mut config = draft.config(key);
    for _ in 0..ROUNDS {
        config = init::settled(config, &guesses);
        let text = init::text(&config, &draft.address());
        let described = source::describe(&request(args, &text, &env)).await?;
        guesses = described.info.notices.into_iter().flat_map(|notice| notice.settles).collect();
        if guesses.is_empty() {
            break;
        }
    }
    Ok(config)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned(), force: false },
        _ => Error::Unwritable { path: path.to_owned(), cause: words::of_io(&error) },
    };
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// Keeps the credentials that were typed or pasted.
fn keep(draft: &Draft) -> Result<(), Error> {
    if draft.credentials.is_empty() {
        return Ok(());
    }
    store::add(Path::new(secrets::FILE), &draft.credentials, &draft.origin()).map_err(unkept)
}

fn unkept(error: store::StoreError) -> Error {
    let cause = match error {
        store::StoreError::Io(error) => words::of_io(&error),
        store::StoreError::Broken => "it is not TOML".to_owned(),
    };
    Error::Unwritable { path: secrets::FILE.into(), cause }
}
