//! The command lines on the pages are ones: each is read by the parser that `pulse` itself has.

#[expect(dead_code, reason = "this test needs a part of it")]
#[path = "../../crd-schemas/tests/book/pages.rs"]
mod book;
#[path = "../../crd-schemas/tests/book/shell.rs"]
mod shell;

use crate::args::Args;
use book::Page;
use clap::Parser;
use clap::error::ErrorKind;

/// Why `pulse` would not take these words.
fn refusal(words: &[String], fine: &[ErrorKind]) -> Option<String> {
    let error = Args::try_parse_from(words).err()?;
    (!fine.contains(&error.kind())).then(|| error.to_string())
}

#[test]
fn every_command_line_of_the_pages_is_one() {
    let (mut count, mut wrong) = (0, Vec::new());
    for page in Page::all() {
        for block in page.blocks().iter().filter(|block| block.is_shell()) {
            for words in shell::commands(&block.text).iter().filter(|words| words[0] == "pulse") {
                count += 1;
                wrong.extend(
                    refusal(words, &[ErrorKind::DisplayHelp])
                        .map(|said| format!("{}:{}: {words:?}: {said}", page.path, block.line)),
                );
            }
        }
    }
    assert!(count > 40, "only {count} were found: this test looks for them in the wrong way");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In the text, too, where a command may be named without all that it needs; what has `…`, or says which words there are to choose
/// from, is no command line.
#[test]
fn every_command_line_within_the_text_is_one() {
    let fine =
        [ErrorKind::MissingRequiredArgument, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, ErrorKind::MissingSubcommand];
    let (mut count, mut wrong) = (0, Vec::new());
    for page in Page::all().iter().filter(|page| page.path != "CHANGELOG.md") {
        let whole = |said: &str| said.starts_with("pulse ") && !said.contains(['…', '[', '|', '<']);
        for (line, said) in page.spans().into_iter().filter(|(_, said)| whole(said)) {
            for words in shell::commands(&said) {
                count += 1;
                wrong.extend(refusal(&words, &fine).map(|why| format!("{}:{line}: {words:?}: {why}", page.path)));
            }
        }
    }
    assert!(count > 40, "only {count} were found: this test looks for them in the wrong way");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn shell_text_is_read_as_a_shell_reads_it() {
    let text = "A=b pulse run x -p 'a=b c' --follow   # shown\nuntil [ \"$(pulse get agents | grep -c a)\" = 2 ]; do sleep 1; done\n\
                x=$(pulse whoami)\npulse logs \\\n  -f a#1 > log 2>&1 &\n";
    let of_pulse: Vec<String> =
        shell::commands(text).iter().filter(|words| words[0] == "pulse").map(|words| words.join(" ")).collect();
    assert_eq!(of_pulse, ["pulse run x -p a=b c --follow", "pulse get agents", "pulse whoami", "pulse logs -f a#1"]);
}
