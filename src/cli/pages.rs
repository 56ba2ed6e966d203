//! `baton completions` and `baton man`: both are written from the definition of the command line.

use super::{Cli, Exit, complain, out};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

pub(super) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "baton", &mut script);
    out(&String::from_utf8_lossy(&script))
}

pub(super) fn manual(command: Option<&str>) -> Exit {
    let mut whole = Cli::command();
    whole.build();
    let Some(name) = command else {
        return page(whole);
    };
    match whole.find_subcommand(name) {
        Some(command) => page(command.clone()),
        None => {
            let known = whole.get_subcommands().map(clap::Command::get_name);
            let known: Vec<&str> = known.collect();
            complain(&format!(
                "baton: no command {name}; known: {}",
                known.join(", ")
            ));
            Exit::Usage
        }
    }
}

fn page(command: clap::Command) -> Exit {
    let mut text = Vec::new();
    match Man::new(command).render(&mut text) {
        Ok(()) => out(&String::from_utf8_lossy(&text)),
        Err(error) => {
            complain(&format!("baton: cannot write the manual: {error}"));
            Exit::Failed
        }
    }
}
