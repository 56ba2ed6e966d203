//! `baton doctor`.

mod live;

use super::{
    DoctorArgs, DoctorFormat, Exit, called, complain, is_standard_input, load, out, recording,
};
use crate::app;
use crate::config::Config;
use crate::doctor::{Declared, Diagnosis, Survey};

pub(super) fn doctor(asked: &DoctorArgs) -> Exit {
    let mut config = match load(asked.config.as_deref()) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    asked.overrides.apply(&mut config);
    let examined = if asked.files.is_empty() {
        Ok(live::examine(&config, asked.send))
    } else {
        recorded(asked, &config)
    };
    let diagnosis = match examined {
        Ok(diagnosis) => diagnosis,
        Err(exit) => return exit,
    };
    let written = out(&match asked.format {
        DoctorFormat::Text => diagnosis.text(),
        DoctorFormat::Json => format!("{:#}\n", diagnosis.json()),
    });
    match diagnosis.count() {
        0 => written,
        // As a linter: whoever runs it in a script sees that there is something to do.
        _ => Exit::Failed,
    }
}

fn recorded(asked: &DoctorArgs, config: &Config) -> Result<Diagnosis, Exit> {
    if asked.send {
        complain("baton: --send needs a running instance: name no files");
        return Err(Exit::Usage);
    }
    let inputs = asked.files.iter().filter(|file| is_standard_input(file));
    if inputs.count() > 1 {
        complain("baton: standard input can be read only once");
        return Err(Exit::Usage);
    }
    let limits = config.receivers.otlp.limits();
    let mut survey = Survey::new(app::normaliser(config, app::fresh_seed()));
    let mut rejected = 0;
    for file in &asked.files {
        let held = recording::feed(file, &mut survey, &limits).map_err(|what| {
            complain(&format!("{}: {what}", called(file)));
            Exit::Input
        })?;
        rejected += held.rejects.len() as u64;
    }
    let declared = Declared {
        has_outcome_rules: !config.rules.outcomes.is_empty(),
    };
    Ok(survey.diagnosis(declared, rejected))
}
