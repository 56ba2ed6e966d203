//! The command line: arguments, and one file for each command.

mod check;
mod demo;
mod prices;
mod replay;
mod run;

use crate::config::{self, Config, Format, Level, LogKind};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Business observability for multi-agent LLM systems: OpenTelemetry spans in, business metrics out.
#[derive(Debug, Parser)]
#[command(name = "baton", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Receive OTLP and serve metrics until SIGTERM or Ctrl-C.
    Run(Run),
    /// Check a configuration; every fault is shown with its line.
    Check { file: PathBuf },
    /// Derive the metrics of recorded OTLP and exit. Time is the recording's; all timers run out at its end.
    Replay(Replay),
    /// Run Baton with a support desk of agents that send to it.
    Demo(Demo),
    /// Print all configuration keys with their defaults.
    Config {
        /// Print the JSON Schema instead.
        #[arg(long)]
        schema: bool,
    },
    /// Print the price catalogue, or the prices of some models.
    Prices {
        models: Vec<String>,
        /// Use another catalogue.
        #[arg(long)]
        file: Option<PathBuf>,
    },
}

/// Where to listen and how to log; each beats the file.
#[derive(Debug, Args)]
struct Overrides {
    /// Address of OTLP/gRPC.
    #[arg(long, env = "BATON_GRPC_ENDPOINT")]
    grpc_endpoint: Option<SocketAddr>,
    /// Address of OTLP/HTTP.
    #[arg(long, env = "BATON_HTTP_ENDPOINT")]
    http_endpoint: Option<SocketAddr>,
    /// Address of /metrics, /healthz and /readyz.
    #[arg(long, env = "BATON_SERVER_ENDPOINT")]
    server_endpoint: Option<SocketAddr>,
    /// Whether what is acknowledged is kept on disk or in memory.
    #[arg(long, env = "BATON_STATE_LOG")]
    state_log: Option<LogKind>,
    /// Where it is kept on disk.
    #[arg(long, env = "BATON_STATE_DIRECTORY")]
    state_directory: Option<PathBuf>,
    #[arg(long, env = "BATON_LOG_LEVEL")]
    log_level: Option<Level>,
    #[arg(long, env = "BATON_LOG_FORMAT")]
    log_format: Option<Format>,
}

#[derive(Debug, Args)]
struct Run {
    /// A configuration file; without one, the defaults.
    #[arg(long, env = "BATON_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Args)]
struct Replay {
    /// Recorded OTLP requests: .pb, .json, .jsonl, each also as .gz; names that begin with `logs` hold log records.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[arg(long, env = "BATON_CONFIG")]
    config: Option<PathBuf>,
    #[arg(long, default_value = "prometheus")]
    format: ReplayFormat,
    /// Tell how this session went, in place of the metrics; a trace without a session is named by its id.
    #[arg(long, value_name = "SESSION", conflicts_with = "format")]
    explain: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReplayFormat {
    Prometheus,
    Json,
    Table,
}

#[derive(Debug, Args)]
struct Demo {
    /// Sessions to send; 200 where nobody says how many.
    #[arg(long)]
    sessions: Option<u64>,
    /// Exit after the last session instead of staying up.
    #[arg(long, requires = "sessions")]
    exit: bool,
    /// Another seed tells another story.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    overrides: Overrides,
}

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Ok = 0,
    /// Something failed while running, or the grace period ended before the work did.
    Failed = 1,
    // 2 is clap's: the command line is wrong.
    /// The configuration has faults.
    Config = 3,
    /// An address cannot be bound.
    Start = 4,
    /// The input of `replay` cannot be read.
    Input = 5,
    /// The state on the disk cannot be used, or the disk failed while running.
    State = 6,
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> Exit {
        match self.command {
            Command::Run(run) => run::run(&run),
            Command::Check { file } => check::check(&file),
            Command::Replay(replay) => replay::replay(&replay),
            Command::Demo(demo) => demo::demo(&demo),
            Command::Config { schema } => out(&if schema {
                format!("{:#}\n", config::schema())
            } else {
                config::annotated()
            }),
            Command::Prices { models, file } => prices::prices(&models, file.as_deref()),
        }
    }
}

/// The configuration of a file, or the defaults. Faults are printed.
fn load(file: Option<&Path>) -> Result<Config, Exit> {
    match file {
        None => Ok(Config::default()),
        Some(file) => config::of_file(file).map_err(|faults| {
            for fault in faults {
                complain(&format!("{}:{fault}", file.display()));
            }
            Exit::Config
        }),
    }
}

impl Overrides {
    fn apply(&self, config: &mut Config) {
        config.grpc = self.grpc_endpoint.unwrap_or(config.grpc);
        config.http = self.http_endpoint.unwrap_or(config.http);
        config.server = self.server_endpoint.unwrap_or(config.server);
        config.state_log = self.state_log.unwrap_or(config.state_log);
        let directory = self.state_directory.clone();
        config.state_directory = directory.or(config.state_directory.take());
        config.log_level = self.log_level.unwrap_or(config.log_level);
        config.log_format = self.log_format.unwrap_or(config.log_format);
    }
}

fn start_logs(config: &Config) {
    let level = match config.log_level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    let json = match config.log_format {
        Format::Auto => None,
        Format::Text => Some(false),
        Format::Json => Some(true),
    };
    crate::telemetry::logs::start(level, json);
}

/// Writes to standard output; a reader that went away is no fault.
fn out(text: &str) -> Exit {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Failed,
        _ => Exit::Ok,
    }
}

/// Writes a line to standard error.
fn complain(text: &str) {
    // Where standard error is gone there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
