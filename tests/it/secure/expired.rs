//! A certificate that has expired is used, as its peers may not check it, and the operator is told.

use super::authority::Authority;
use super::secure;
use crate::forward::relay::start;
use crate::support::process::folder;
use std::io::Write;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What Baton logs when it starts with a certificate of a year.
async fn logged(year: i32) -> String {
    let folder = folder(&format!("secure-expired-{year}"));
    let pair = Authority::new(&folder, "own").issue_to(&folder, "baton", year);
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = start(&secure(&pair, None)).await;
    app.stop().await;
    let text = lines.0.lock().expect("a lock").clone();
    String::from_utf8(text).expect("text")
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_date() {
    let text = logged(2021).await;
    let told = text.lines().filter(|line| line.contains("has expired"));
    let told: Vec<&str> = told.collect();
    // One for each listener.
    assert_eq!(told.len(), 3, "{text}");
    for line in told {
        assert!(line.contains("WARN"), "{line}");
        assert!(line.contains("Dec 31"), "{line}");
        assert!(line.contains("2021"), "{line}");
    }
    let text = logged(2041).await;
    assert!(!text.contains("has expired"), "{text}");
}
