//! The command line: arguments, and one file for each command.

mod check;
mod demo;
mod doctor;
mod instance;
mod ledger;
mod pages;
mod prices;
mod recording;
mod replay;
mod report;
mod run;
mod spool;

use crate::config::{self, Config};
use crate::ledger::LedgerFormat;
use crate::log::LogKind;
use crate::machine;
use crate::model::time::Timestamp;
use crate::telemetry::logs::{self, LogFormat, LogLevel};
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use instance::InstanceArgs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Business observability for multi-agent LLM systems: OpenTelemetry spans in, business metrics out
#[derive(Debug, Parser)]
#[command(name = "baton", version, after_long_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  a failure while running, or the grace period ended before the work did; `doctor` found something
  2  the command line is wrong
  3  the configuration or the price catalog has faults
  4  an address cannot be bound, or would be open to everyone; a certificate or a file with credentials cannot be used
  5  the input of `replay` or `doctor` cannot be read, or does not hold what was asked for
  6  the state on disk cannot be used, or the disk failed while running";

#[derive(Debug, Subcommand)]
enum Command {
    /// Receive OTLP and serve metrics until SIGTERM or Ctrl-C
    Run(Run),
    /// Check a configuration and list every fault with its line and column
    ///
    /// Prints the addresses and the state directory that `baton run` would use with the same options and environment.
    Check(Check),
    /// Derive metrics from recorded OTLP and exit
    ///
    /// Recorded time is used. All timers expire at the end of the recording.
    Replay(ReplayArgs),
    /// Say what is read of recorded OTLP, what is not understood, and what is missing
    ///
    /// Exits with 1 if it finds something. Without files, it asks the running instance of the configuration instead.
    Doctor(DoctorArgs),
    /// Run Baton with a simulated support desk of agents that sends traces to it
    Demo(Demo),
    /// Print all configuration keys with their defaults
    Config {
        /// Print the JSON Schema of the configuration instead
        #[arg(long)]
        schema: bool,
    },
    /// Print the price catalog, or the prices of some models
    ///
    /// Exits with 1 if a model has no price.
    Prices(Prices),
    /// Look at requests that wait to be forwarded, send them, or send again what destinations rejected
    Spool {
        #[command(subcommand)]
        action: SpoolAction,
    },
    /// Look at the ledger, check it, and write rows of it for other programs
    Ledger {
        #[command(subcommand)]
        action: LedgerAction,
    },
    /// Write what the agents brought in a week, a month or any days, compared with as many days before
    ///
    /// Reads the ledger. Baton may run meanwhile. Without days, it is about the last whole week.
    Report(ReportArgs),
    /// Print a completion script for a shell
    ///
    /// For bash: baton completions bash > ~/.local/share/bash-completion/completions/baton
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page of Baton, or of one of its commands
    ///
    /// To read it: baton man replay | man -l -
    Man {
        /// A command such as `run` or `replay` (default: Baton as a whole)
        command: Option<String>,
    },
}

/// Where to listen and how to log; each takes precedence over the file.
#[derive(Debug, Args)]
struct Overrides {
    /// Address of OTLP/gRPC
    #[arg(long, env = "BATON_GRPC_ENDPOINT", value_name = "ADDRESS")]
    grpc_endpoint: Option<SocketAddr>,
    /// Address of OTLP/HTTP
    #[arg(long, env = "BATON_HTTP_ENDPOINT", value_name = "ADDRESS")]
    http_endpoint: Option<SocketAddr>,
    /// Address of /metrics, /summary, /sessions, /healthz and /readyz
    #[arg(long, env = "BATON_SERVER_ENDPOINT", value_name = "ADDRESS")]
    server_endpoint: Option<SocketAddr>,
    /// Start also with listeners that others than this machine can reach and that ask for no authentication
    #[arg(long, env = "BATON_INSECURE_LISTEN", value_parser = BoolishValueParser::new())]
    insecure_listen: bool,
    /// Where acknowledged spans are kept: on disk, or in memory only
    #[arg(long, env = "BATON_STATE_LOG")]
    state_log: Option<LogKind>,
    /// Directory of the state on disk
    #[arg(long, env = "BATON_STATE_DIRECTORY", value_name = "DIRECTORY")]
    state_directory: Option<PathBuf>,
    /// Least severe messages to log
    #[arg(long, env = "BATON_LOG_LEVEL")]
    log_level: Option<LogLevel>,
    /// Format of the log, which goes to standard error
    #[arg(long, env = "BATON_LOG_FORMAT")]
    log_format: Option<LogFormat>,
}

#[derive(Debug, Args)]
struct Run {
    /// Configuration file (default: the defaults that `baton config` prints)
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Subcommand)]
enum SpoolAction {
    /// List what waits for each destination, and the requests that destinations rejected permanently
    ///
    /// Baton may run meanwhile.
    List(SpoolArgs),
    /// Send all that waits in the spool on disk, without receiving anything
    ///
    /// Baton must not run. Exits with 1 if a destination did not accept everything.
    Drain(SpoolArgs),
    /// Send the requests in the quarantine again, and remove those that are accepted
    ///
    /// Baton may run meanwhile. Exits with 1 if a destination rejects a request again.
    Requeue(SpoolArgs),
}

#[derive(Debug, Args)]
struct SpoolArgs {
    /// Configuration file
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Subcommand)]
enum LedgerAction {
    /// List the tables with their days, files, rows and sizes
    ///
    /// Baton may run meanwhile.
    List(LedgerArgs),
    /// Read every value, and say what is damaged, there twice or out of its place
    ///
    /// Baton may run meanwhile. Exits with 1 if it finds something.
    Verify(LedgerArgs),
    /// Make one file of the files of each past day, table and partition
    ///
    /// Baton must not run: it does so by itself.
    Compact(LedgerArgs),
    /// Write rows of a table to standard output, each in its newest version
    ///
    /// Baton may run meanwhile.
    Export(LedgerExport),
}

#[derive(Debug, Args)]
struct LedgerArgs {
    /// Configuration file
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the ledger (default: that of the configuration)
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct LedgerExport {
    /// workflows, handoffs, turns, calls, scores or events
    #[arg(value_parser = ledger::table)]
    table: crate::ledger::Table,
    /// Only what happened at this time or later: a day in UTC such as 2026-11-30, or a time in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = ledger::time)]
    from: Option<Timestamp>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME", value_parser = ledger::time)]
    until: Option<Timestamp>,
    /// Format
    #[arg(long, default_value = "csv")]
    format: LedgerFormat,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, Args)]
struct Check {
    /// Configuration file, or - for standard input
    file: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// Recorded OTLP export requests, or - for standard input
    ///
    /// Traces and logs, as protobuf, JSON, or JSON lines, also as the file exporter of the OpenTelemetry Collector writes them,
    /// uncompressed or compressed with gzip or zstd. The format is detected from the content.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Configuration file
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Format of the output (default: prometheus; with --explain: text)
    #[arg(long)]
    format: Option<ReplayFormat>,
    /// List the sessions, or explain how one went, instead of printing metrics
    ///
    /// SESSION is a session ID or a trace ID. Without one, all sessions of the recording are listed.
    #[arg(long, value_name = "SESSION", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "not asked, asked, asked for one")]
    explain: Option<Option<String>>,
}

#[derive(Debug, Args)]
struct DoctorArgs {
    /// Recorded OTLP export requests as for `replay`, or - for standard input (default: ask the running instance)
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Configuration file
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Format of the output
    #[arg(long, alias = "output", default_value = "text")]
    format: DoctorFormat,
    /// Send a test conversation to the running instance over OTLP/HTTP, and wait for its figures
    ///
    /// Its workflow is called `baton-doctor`. It counts as one session, one turn and one unverified workflow of the instance.
    #[arg(long)]
    send: bool,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    instance: InstanceArgs,
}

#[derive(Debug, Args)]
struct ReportArgs {
    /// First day, as YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    from: Option<jiff::civil::Date>,
    /// Last day, included (default: today)
    #[arg(long, value_name = "DAY", requires = "from")]
    to: Option<jiff::civil::Date>,
    /// The last whole week, from Monday to Sunday
    #[arg(long, conflicts_with_all = ["from", "month"])]
    week: bool,
    /// The last whole month
    #[arg(long, conflicts_with = "from")]
    month: bool,
    /// Time zone of the days, for example Europe/Berlin (default: `report.time_zone`)
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Directory of the ledger (default: `ledger.directory`)
    #[arg(long, value_name = "DIRECTORY")]
    ledger: Option<PathBuf>,
    /// Configuration file
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Format of the output
    #[arg(long, default_value = "markdown")]
    format: ReportFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReportFormat {
    Markdown,
    Html,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DoctorFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReplayFormat {
    Prometheus,
    Json,
    Table,
    Text,
}

#[derive(Debug, Args)]
struct Prices {
    /// Models to look up (default: all prices of the catalog)
    models: Vec<String>,
    /// Read this price catalog instead of the built-in one
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Format of the output
    #[arg(long, default_value = "text")]
    format: PriceFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PriceFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
struct Demo {
    /// Number of sessions to send (default: 200)
    #[arg(long)]
    sessions: Option<u64>,
    /// Exit after the last session instead of serving until Ctrl-C
    #[arg(long, requires = "sessions")]
    exit: bool,
    /// Seed of the simulation; the same seed sends the same sessions
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
    /// The command line is wrong; clap ends with it too.
    Usage = 2,
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
            Command::Check(asked) => check::check(&asked),
            Command::Replay(replay) => replay::replay(&replay),
            Command::Doctor(asked) => doctor::doctor(&asked),
            Command::Demo(demo) => demo::demo(&demo),
            Command::Config { schema } => out(&if schema {
                format!("{:#}\n", config::schema())
            } else {
                config::annotated()
            }),
            Command::Prices(asked) => prices::prices(&asked),
            Command::Spool { action } => spool::spool(&action),
            Command::Ledger { action } => ledger::ledger(&action),
            Command::Report(asked) => report::report(&asked),
            Command::Completions { shell } => pages::completions(shell),
            Command::Man { command } => pages::manual(command.as_deref()),
        }
    }
}

/// The configuration of a file, or the defaults. Faults are printed.
fn load(file: Option<&Path>) -> Result<Config, Exit> {
    let config = match file {
        None => Ok(Config::default()),
        Some(file) => {
            let read = if is_standard_input(file) {
                config::of_standard_input()
            } else {
                config::of_file(file)
            };
            read.map_err(|faults| {
                for fault in faults {
                    complain(&format!("{}:{fault}", called(file)));
                }
                Exit::Config
            })
        }
    };
    config.map(within_memory)
}

/// Shares of memory are of what this process may use.
fn within_memory(mut config: Config) -> Config {
    config.memory = machine::memory().map(|memory| memory.bytes);
    config
}

impl Overrides {
    fn apply(&self, config: &mut Config) {
        config.receivers.otlp.grpc.endpoint = self
            .grpc_endpoint
            .unwrap_or(config.receivers.otlp.grpc.endpoint);
        config.receivers.otlp.http.endpoint = self
            .http_endpoint
            .unwrap_or(config.receivers.otlp.http.endpoint);
        config.server.endpoint = self.server_endpoint.unwrap_or(config.server.endpoint);
        config.insecure_listen |= self.insecure_listen;
        config.state.log = self.state_log.unwrap_or(config.state.log);
        let directory = self.state_directory.clone();
        config.state.directory = directory.or(config.state.directory.take());
        config.log.level = self.log_level.unwrap_or(config.log.level);
        config.log.format = self.log_format.unwrap_or(config.log.format);
    }
}

fn start_logs(config: &Config) {
    logs::start(&config.log);
}

/// Whether a file name stands for standard input.
fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

/// What a message calls a file.
fn called(file: &Path) -> String {
    if is_standard_input(file) {
        "standard input".into()
    } else {
        file.display().to_string()
    }
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
