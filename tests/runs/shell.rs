//! What a shell gets: completions and manual pages.

use std::process::{Command, Stdio};

use crate::program::Folder;

#[test]
fn completions_are_scripts_of_their_shells() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Folder::new().run(&["completions", shell]).expect(0).stdout;
        for word in ["check", "demo", "plaintext-secrets", "max-pages"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    Folder::new().run(&["completions", "bsh"]).expect(2).says(&["invalid value 'bsh'", "bash"]);
}

/// bash itself reads the script and completes with it.
#[test]
fn bash_completes_commands_and_flags() {
    let folder = Folder::new();
    folder.write("s.bash", &folder.run(&["completions", "bash"]).expect(0).stdout);
    let complete = |words: &str| {
        let at = words.split(' ').count() - 1;
        let script = format!(
            "source s.bash; COMP_WORDS=({words}); [ ${{#COMP_WORDS[@]}} -gt {at} ] || COMP_WORDS+=(''); \
             COMP_CWORD={at}; _sanderling sanderling \"${{COMP_WORDS[{at}]}}\" \"${{COMP_WORDS[{at}-1]}}\"; \
             echo \"${{COMPREPLY[@]}}\""
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &script]).current_dir(folder.dir()).stdin(Stdio::null());
        let Ok(output) = bash.output() else { return None };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    for (words, expected) in [
        ("sanderling ru", "run"),
        ("sanderling com", "completions"),
        ("sanderling run --max", "--max-pages"),
        ("sanderling run --progress no", "none"),
        ("sanderling --color al", "always"),
        ("sanderling demo ser", "serve"),
    ] {
        // A machine without bash needs no completions for it.
        if let Some(shown) = complete(words) {
            assert_eq!(shown, expected, "{words}");
        }
    }
}

#[test]
fn manual_pages_are_written_one_for_each_command() {
    let folder = Folder::new();
    let page = folder.run(&["man"]).expect(0).stdout;
    assert!(page.contains(".TH sanderling 1"), "{page}");
    for part in [".SH NAME", ".SH SYNOPSIS", ".SH SUBCOMMANDS", "sanderling\\-run(1)", "Exit codes:"] {
        assert!(page.contains(part), "{part}:\n{page}");
    }
    let ran = folder.run(&["man", "--dir", "pages/man1"]).expect(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    for name in ["sanderling.1", "sanderling-run.1", "sanderling-demo-serve.1", "sanderling-completions.1"] {
        let page = folder.read(&format!("pages/man1/{name}"));
        assert!(page.contains(".SH SYNOPSIS"), "{name}:\n{page}");
    }
    assert!(
        folder.read("pages/man1/sanderling-run.1").contains("sanderling run api.yaml \\-\\-to jsonl:out")
    );
    folder.write("file", "");
    folder.run(&["man", "--dir", "file/x"]).expect(2).says(&["error: file/x cannot be written: "]);
}

/// groff reads the page without a complaint.
#[test]
fn manual_pages_render() {
    let folder = Folder::new();
    folder.run(&["man", "--dir", "."]).expect(0);
    for name in folder.names() {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Tutf8", "-ww", "-z", &name]).current_dir(folder.dir()).stdin(Stdio::null());
        if let Ok(output) = groff.output() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "{name}: {said}");
        }
    }
}
