//! `baton doctor`.

mod live;

use super::instance::ListenerOf;
use super::{
    DoctorArgs, DoctorFormat, Exit, called, complain, is_standard_input, load, out, recording, run,
};
use crate::app;
use crate::config::Config;
use crate::doctor::{Diagnosis, Figures, Survey};
use crate::engine::Offline;
use crate::export::scrape::{ScrapeFormat, text};
use crate::ingest::RecordedEvents;
use crate::model::reject::UnreadCounts;
use crate::otlp::view::{ScopeBatch, SpanSink};

pub(super) fn doctor(asked: &DoctorArgs) -> Exit {
    let mut config = match load(asked.config.as_deref()) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    asked.overrides.apply(&mut config);
    let examined = if asked.files.is_empty() {
        running(asked, &config)
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

/// Asks the instance that `baton run` starts with this configuration.
fn running(asked: &DoctorArgs, config: &Config) -> Result<Diagnosis, Exit> {
    let (http, server) = (&config.receivers.otlp.http, &config.server);
    let server = ListenerOf {
        address: server.endpoint,
        tls: server.tls.as_ref(),
        auth: server.auth.as_ref(),
    };
    let receiver = ListenerOf {
        address: http.endpoint,
        tls: http.tls.as_ref(),
        auth: http.auth.as_ref(),
    };
    run::runtime()?.block_on(async {
        let client = |listener| {
            let client = asked.instance.client(listener, asked.config.is_some());
            client.map_err(|what| {
                complain(&format!("baton: {what}"));
                Exit::Start
            })
        };
        let server = client(&server)?;
        let receiver = asked.send.then(|| client(&receiver)).transpose()?;
        let settle = config.stitch.settle;
        Ok(live::examine(&server, receiver.as_ref(), settle).await)
    })
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
    let mut both = Both {
        survey: Survey::new(app::normaliser(config, app::fresh_seed())),
        recorded: RecordedEvents::default(),
    };
    let (mut rejected, mut undecoded) = (Vec::new(), UnreadCounts::default());
    for file in &asked.files {
        let held = recording::feed(file, &mut both, &limits).map_err(|what| {
            complain(&format!("{}: {what}", called(file)));
            Exit::Input
        })?;
        rejected.extend(held.rejects);
        undecoded.add_all(&held.unread);
    }
    let figures = replayed(both.recorded, config);
    Ok(both.survey.diagnosis(figures, &rejected, &undecoded))
}

/// What the metrics say of a recording.
fn replayed(recorded: RecordedEvents, config: &Config) -> Figures {
    let settings = app::engine_settings(config);
    let families = Offline::new(&settings).replay(recorded.into_frames(settings.partitions));
    Figures::of_text(&text::write(&families, ScrapeFormat::Text))
}

/// Surveys a recording and keeps its events, so that it is read once.
struct Both {
    survey: Survey,
    recorded: RecordedEvents,
}

impl SpanSink for Both {
    fn asks(&self, hash: u32, name: &[u8]) -> bool {
        self.survey.asks(hash, name)
    }

    fn add(&mut self, group: &ScopeBatch<'_>) {
        self.recorded.add(self.survey.read(group));
    }
}
