//! What the commands take that set up a shell: completions and manual pages.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::Shell;

/// Shown under the long help of `completions`.
pub const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  sanderling completions bash > ~/.local/share/bash-completion/completions/sanderling
  sanderling completions zsh > ~/.zfunc/_sanderling
  sanderling completions fish > ~/.config/fish/completions/sanderling.fish";

/// Shown under the long help of `man`.
pub const MAN_EXAMPLES: &str = "\
Examples:
  sanderling man | man -l -
  sanderling man --dir ~/.local/share/man/man1";

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}
