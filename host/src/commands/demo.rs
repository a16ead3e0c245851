//! `demo`: a first run without a key or a network, against an API that lives in this process.

use std::io::Write;
use std::path::Path;

use sanderling_demo::{KEY, Options, demo_config};
use sanderling_destination::Target;

use super::cache_dir;
use super::run::{How, into};
use crate::cli::{DemoArgs, DemoCommand};
use crate::error::Error;
use crate::run::mode::Mode;
use crate::show::Show;
use crate::source::{self, Request};
use crate::words::exit;

/// Runs the command.
pub async fn demo(args: &DemoArgs, show: Show) -> Result<u8, Error> {
    match args.command {
        Some(DemoCommand::Serve { port }) => serve(port).await,
        None => read_demo(args, show).await,
    }
}

async fn read_demo(args: &DemoArgs, show: Show) -> Result<u8, Error> {
    let server = sanderling_demo::start(Options::demo()).map_err(|error| Error::Demo(error.to_string()))?;
    let text = demo_config(&server.base_url());
    let env = |name: &str| (name == crate::secrets::env_name("api_key")).then(|| KEY.to_owned());
    let request = Request {
        path: Path::new("demo.yaml"),
        text: &text,
        connector: None,
        resources: &[],
        range: false,
        to: None,
        secrets: &[],
        allow: &[],
        plaintext_secrets: false,
        env: &env,
        dir: Path::new("."),
        cache_dir: cache_dir(),
    };
    let source = source::open(&request).await?;
    let target = Target::parse("sqlite:demo.db")?;
    let how = How {
        fresh: false,
        frozen: false,
        retry_failed: false,
        max_pages: None,
        mode: Mode::Onward,
        strict: false,
        again: "run the demo again",
    };
    into(&source, &target, &args.show, show, how).await
}

/// Serves until Ctrl-C. The config goes to stdout, so that `sanderling demo serve > demo.yaml` makes a file of it.
async fn serve(port: u16) -> Result<u8, Error> {
    let options = Options { port, ..Options::demo() };
    let server = sanderling_demo::start(options).map_err(|error| Error::Demo(error.to_string()))?;
    let base_url = server.base_url();
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(demo_config(&base_url).as_bytes()).and_then(|()| stdout.flush());
    drop(stdout);
    let say = format!(
        "serving {base_url}; its key is {KEY}\nread it from another terminal: \
         SANDERLING_SECRET_API_KEY={KEY} sanderling run demo.yaml, with the config above in demo.yaml\nCtrl-C ends it\n"
    );
    // Neither stream has to be there for the server to serve.
    let _ = (written, std::io::stderr().lock().write_all(say.as_bytes()));
    let _ = tokio::signal::ctrl_c().await;
    Ok(exit::COMPLETE)
}
