//! `import`: a config from what another tool reads; it is shown or written, and looked at as `check` would before a request.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::terminal::tell;
use super::{print, read, request_of_config};
use crate::cli::{ConfigArgs, ImportArgs};
use crate::error::Error;
use crate::import::{self, ImportError, Imported, Part};
use crate::report;
use crate::show::{Level, Show};
use crate::source;
use crate::words::{self, exit};

/// Runs `import dlt`.
pub async fn dlt(args: &ImportArgs, show: Show) -> Result<u8, Error> {
    import(args, import::dlt::import, show).await
}

/// Runs `import airbyte`.
pub async fn airbyte(args: &ImportArgs, show: Show) -> Result<u8, Error> {
    import(args, import::airbyte::import, show).await
}

async fn import(
    args: &ImportArgs,
    reader: fn(&str) -> Result<Imported, ImportError>,
    show: Show,
) -> Result<u8, Error> {
    let text = read(&args.file)?;
    let imported = reader(&text).map_err(|problem| Error::Import { path: args.file.clone(), problem })?;
    let name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let configs: Vec<String> = imported.parts.iter().map(|part| part.to_yaml(&name)).collect();
    let paths = places(args, &imported.parts)?;
    if args.output.is_some() {
        for (path, text) in paths.iter().zip(&configs) {
            put(path, text, args.force)?;
        }
    } else {
        print(configs.join("---\n").as_bytes())?;
    }
    let mut codes = vec![tell_left(args, &imported, show)];
    for ((part, path), text) in imported.parts.iter().zip(&paths).zip(&configs) {
        let file = ConfigArgs { config: path.clone(), connector: None };
        if !part.is_fragment
            && let Err(error) = source::describe(&request_of_config(&file, text)).await
        {
            let words = words::of_error(&error, show.paint);
            if show.level > Level::Silent {
                tell(&report::lines(&words, show.paint));
            }
            codes.push(words.code);
        }
        if args.output.is_some() && show.level >= Level::Normal {
            tell(&words::of_written(&path.display().to_string(), show.paint));
        }
    }
    Ok(exit::of_several(codes.into_iter().filter(|code| *code != exit::COMPLETE)))
}

/// Names line by line what was not carried over, and the secrets that the configs want.
fn tell_left(args: &ImportArgs, imported: &Imported, show: Show) -> u8 {
    let file = args.file.display().to_string();
    let of_parts =
        imported.parts.iter().flat_map(|part| part.left.iter().map(move |left| (Some(part), left)));
    let mut left: Vec<_> = of_parts.chain(imported.left.iter().map(|left| (None, left))).collect();
    left.sort_by_key(|(_, left)| left.line);
    if show.level > Level::Silent {
        for (part, left) in &left {
            tell(&words::of_left(&file, *part, left, show.paint));
        }
    }
    let mut told = BTreeSet::new();
    for used in imported.parts.iter().flat_map(|part| &part.secrets) {
        if show.level >= Level::Normal && told.insert(&used.name) {
            tell(&words::of_secret_use(used, show.paint));
        }
    }
    if left.is_empty() { exit::COMPLETE } else { exit::REFUSED }
}

/// The file of each config: what it is written into, or would be.
fn places(args: &ImportArgs, parts: &[Part]) -> Result<Vec<PathBuf>, Error> {
    // What is printed is not the file that was read, whatever that is called.
    let is_yaml = args.file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    let stem = if is_yaml { "api".to_owned() } else { source::stem(&args.file) };
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from("./"));
    if args.output.is_none() || output.is_dir() || output.to_string_lossy().ends_with('/') {
        let mut taken = BTreeSet::new();
        let named = parts.iter().map(|part| {
            let name = part.name.clone().unwrap_or_else(|| stem.clone()).replace(['/', '\\'], "_");
            let free = (1..).map(|at| if at == 1 { name.clone() } else { format!("{name}-{at}") });
            let name = free.into_iter().find(|name| taken.insert(name.clone())).unwrap_or_default();
            if args.output.is_some() { output.join(name + ".yaml") } else { PathBuf::from(name + ".yaml") }
        });
        return Ok(named.collect());
    }
    let ending = output.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if ending != "yaml" && ending != "yml" {
        return Err(Error::NotYaml(output));
    }
    match parts {
        [_] => Ok(vec![output]),
        several => Err(Error::Several { path: output, count: several.len() }),
    }
}

/// Writes a file, over another one only where that was asked for.
fn put(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned(), force: true },
        _ => Error::Unwritable { path: path.to_owned(), cause: words::of_io(&error) },
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let options = if force { options.create(true).truncate(true) } else { options.create_new(true) };
    let mut file = options.write(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
