//! The formats of a scrape, and which one a scraper prefers.

/// The formats of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrapeFormat {
    Text,
    OpenMetrics {
        /// Whether to write `_created` lines.
        created: bool,
    },
    /// Delimited messages, see [`super::protobuf`].
    Protobuf,
}

impl ScrapeFormat {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics { .. } => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// What an `Accept` header prefers, by its q-values; of equal ones that which says most. Text where it asks for nothing that
    /// is known.
    pub fn negotiate(accept: &str, created: bool) -> Self {
        let known = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next()?.to_ascii_lowercase();
            let parameters: Vec<(&str, &str)> = parts.filter_map(|p| p.split_once('=')).collect();
            let parameter = |name: &str| {
                let found = parameters.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.trim_matches('"'))
            };
            let format = match media.as_str() {
                "application/vnd.google.protobuf" => {
                    let asked = (parameter("proto"), parameter("encoding"));
                    let ours = (Some("io.prometheus.client.MetricFamily"), Some("delimited"));
                    (asked == ours).then_some(Self::Protobuf)?
                }
                "application/openmetrics-text" => Self::OpenMetrics { created },
                "text/plain" | "text/*" => Self::Text,
                _ => return None,
            };
            let quality = parameter("q").and_then(|q| q.parse::<f64>().ok());
            Some((quality.unwrap_or(1.0), format))
        };
        let richness = |format: Self| match format {
            Self::Text => 0,
            Self::OpenMetrics { .. } => 1,
            Self::Protobuf => 2,
        };
        let asked = accept.split(',').filter_map(known);
        let best = asked.filter(|(quality, _)| *quality > 0.0).max_by(|a, b| {
            let by_quality = a.0.total_cmp(&b.0);
            by_quality.then(richness(a.1).cmp(&richness(b.1)))
        });
        best.map_or(Self::Text, |(_, format)| format)
    }
}
