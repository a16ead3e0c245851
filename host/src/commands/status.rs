//! `status`: where pipelines stand, from their checkpoints alone.

use super::pipelines::pipelines;
use super::print;
use super::terminal::tell;
use crate::cli::StatusArgs;
use crate::error::Error;
use crate::run::outlook;
use crate::show::Show;
use crate::standing::{self, Standing};
use crate::words::exit;
use crate::{clock, words};

/// Runs the command.
pub async fn status(args: &StatusArgs, show: Show) -> Result<u8, Error> {
    let found = pipelines(&args.whose, args.all, show).await?;
    let standings: Vec<Standing> = found
        .iter()
        .map(|pipeline| Standing {
            pipeline: pipeline.name.clone(),
            destination: super::run::shown(&pipeline.target),
            outlooks: match &pipeline.known {
                Some(known) => outlook::of_plan(&known.plan, &pipeline.state, known.basis()),
                None => outlook::of_state(&pipeline.state),
            },
        })
        .collect();
    let now_ms = clock::now_ms();
    if args.json {
        let document = standing::document(&standings, now_ms);
        return print(format!("{document:#}\n").as_bytes());
    }
    if standings.is_empty() {
        tell(&format!("{}\n", words::nothing_remembered(args.whose.to.as_deref())));
        return Ok(exit::COMPLETE);
    }
    print(standing::text(&standings, now_ms, show.paint_stdout).as_bytes())
}
