//! Requests that are refused for their head: the sender gets the answer, though its body is still on the way.

use super::authority::Authority;
use super::{curl, secure, text};
use crate::forward::relay::start;
use crate::support::process::folder;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_for_the_head_of_a_request_gets_the_answer_after_its_body() {
    let folder = folder("secure-refused");
    let authority = Authority::new(&folder, "own");
    let pair = authority.issue_to(&folder, "baton", 2041);
    let app = start(&secure(&pair, None)).await;
    let body = folder.join("body");
    std::fs::write(&body, vec![b'x'; 900 << 10]).expect("written");
    let data = format!("@{}", body.display());
    let protobuf = "content-type: application/x-protobuf";
    for (path, headers, status) in [
        ("/nowhere", [protobuf, "x-none: 0"], "404"),
        (
            "/v1/traces",
            ["content-type: text/plain", "x-none: 0"],
            "415",
        ),
        ("/v1/traces", [protobuf, "content-encoding: \u{e9}"], "415"),
    ] {
        for version in ["--http1.1", "--http2"] {
            let url = format!("https://{}{path}", app.http);
            let [one, two] = headers;
            let asked = [
                ["--cacert", text(&authority.file), "--data-binary", &data],
                ["--header", one, "--header", two],
                ["--output", "/dev/null", "--write-out", "%{http_code}"],
            ];
            // Without the wait for the body, some of them are answered in time.
            for _ in 0..10 {
                let got = curl(&[asked.as_flattened(), &[version, &url]].concat());
                assert_eq!(got, (0, status.to_owned()), "{version} {path} {headers:?}");
            }
        }
    }
    assert!(app.stop().await);
}
