//! A certificate that has expired is used, as its peers may not check it, and the operator is told.

use super::authority::Authority;
use super::secure;
use crate::forward::relay::start;
use crate::support::log::LogLines;
use crate::support::process::folder;

/// What Baton logs when it starts with a certificate of a year.
async fn logged(year: i32) -> String {
    let folder = folder(&format!("secure-expired-{year}"));
    let pair = Authority::new(&folder, "own").issue_to(&folder, "baton", year);
    let (lines, _guard) = LogLines::listen();
    let app = start(&secure(&pair, None)).await;
    app.stop().await;
    lines.text()
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
