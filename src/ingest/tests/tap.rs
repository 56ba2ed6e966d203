//! The tap sees each request with its bytes and its outcome.

use super::{outcome, pipeline, request, traces};
use crate::ingest::{ExportRequest, Ingest, IngestError, RequestTap, Tapped};
use crate::otlp::Counts;
use bytes::Bytes;
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct SeenRequests(Mutex<Vec<(Bytes, bool)>>);

impl RequestTap for SeenRequests {
    fn settled(&self, request: ExportRequest, outcome: &Result<Counts, IngestError>) {
        let mut seen = self.0.lock().expect("no panic");
        seen.push((request.body, outcome.is_ok()));
    }
}

#[test]
fn the_tap_sees_raw_requests_once_their_outcome_is_known() {
    let (pipeline, _, _reader) = pipeline();
    let seen = Arc::new(SeenRequests::default());
    let ingest = Tapped::new(pipeline, Arc::clone(&seen));
    let good = request(1);
    let (body, begin) = (good.body.clone(), good.body.as_ptr());
    let submitted = ingest.submit(good);
    assert!(seen.0.lock().expect("no panic").is_empty());
    assert!(outcome(submitted).is_ok());
    let malformed = outcome(ingest.submit(traces("hello")));
    assert_eq!(malformed, Err(IngestError::Malformed));
    let seen = seen.0.lock().expect("no panic");
    assert_eq!(*seen, [(body, true), ("hello".into(), false)]);
    assert_eq!(seen[0].0.as_ptr(), begin, "the bytes are not copied");
}
