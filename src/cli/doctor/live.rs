//! A running instance: is it ready, what does it receive, and does a test conversation come through?

use crate::cli::instance::{InstanceClient, quoted};
use crate::clock::Clock;
use crate::doctor::{Diagnosis, Figures, Finding, conversation, of_metrics};
use std::time::Duration;

/// How often the figures of the test conversation are looked for.
const PAUSE: Duration = Duration::from_millis(500);
/// Time beyond `stitch.settle` until they must be there.
const SLACK: Duration = Duration::from_secs(15);

/// Examines an instance by its server. With a receiver, it sends a test conversation to it, whose turn is finalized after `settle`.
pub(super) async fn examine(
    server: &InstanceClient,
    receiver: Option<&InstanceClient>,
    settle: Duration,
) -> Diagnosis {
    match figures(server, receiver, settle).await {
        Ok(diagnosis) => diagnosis,
        Err(finding) => Diagnosis {
            findings: vec![finding],
            ..Diagnosis::default()
        },
    }
}

async fn figures(
    server: &InstanceClient,
    receiver: Option<&InstanceClient>,
    settle: Duration,
) -> Result<Diagnosis, Finding> {
    let address = server.address;
    let (status, body) = ask(server, "/readyz").await?;
    if status != 200 {
        let reason = quoted(&body);
        let message = format!("the instance at {address} is not ready ({status}): {reason}");
        return Err(Finding::of_instance(message));
    }
    let told = match receiver {
        Some(receiver) => Some(send(server, receiver, settle).await?),
        None => None,
    };
    let (status, metrics) = ask(server, "/metrics").await?;
    if status != 200 {
        let reason = quoted(&metrics);
        let message = format!("the instance at {address} shows no metrics ({status}): {reason}");
        return Err(Finding::of_instance(message));
    }
    let mut diagnosis = of_metrics(&Figures::of_text(&metrics));
    match (told, diagnosis.emitters.first_mut()) {
        (Some(told), Some(first)) => first.notes.push(told),
        // A tenant is not shown what the instance receives.
        (Some(told), None) => diagnosis.notes.push(Finding::of_instance(told)),
        (None, _) => {}
    }
    Ok(diagnosis)
}

/// Sends a test conversation and waits until its session is told. Returns what came of it.
async fn send(
    server: &InstanceClient,
    receiver: &InstanceClient,
    settle: Duration,
) -> Result<String, Finding> {
    let (session, request) = conversation(Clock::system().now());
    let sent = receiver.post("/v1/traces", request.to_string()).await;
    let (status, body) = sent.map_err(Finding::of_instance)?;
    if status != 200 {
        let (door, reason) = (receiver.address, quoted(&body));
        let message =
            format!("the receiver at {door} refused the test conversation ({status}): {reason}");
        return Err(Finding::of_instance(message));
    }
    let wait = settle + SLACK;
    let tries = wait.as_millis() / PAUSE.as_millis();
    let path = format!("/sessions/{session}");
    for _ in 0..tries {
        let (status, story) = ask(server, &path).await?;
        if status == 200 && story.contains("the user got an answer") {
            return Ok(format!(
                "the test conversation came through, see {path}. Its workflow and agent are called `baton-doctor`: it counts as one session and one turn, and later as one unverified workflow"
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
    let seconds = wait.as_secs();
    let message = format!(
        "the test conversation `{session}` was accepted, and no figures came of it within {seconds} s: see the log of the instance, and `engine.stories`"
    );
    Err(Finding::of_instance(message))
}

async fn ask(server: &InstanceClient, path: &str) -> Result<(u16, String), Finding> {
    server.get(path).await.map_err(Finding::of_instance)
}
