//! Why: the words a person types. Each subcommand is a file that prepares rooms of the library and
//! lets them work; nothing is decided here that the library could decide.

mod check;
mod failure;
mod files;
mod keys;
mod mock;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

pub(crate) use failure::Failure;

/// A drop-in gateway in front of LLM APIs.
///
/// Applications point their SDK's base URL at Alfred (http://127.0.0.1:9090/v1) and notice nothing
/// else. `alfred run` needs no file and no account: it starts with a built-in mock provider, makes
/// a first API key and prints a ready curl.
#[derive(Debug, Parser)]
#[command(name = "alfred", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct ConfigArg {
    /// The configuration file. Without it conf/alfred.yaml is read if it exists; without that,
    /// Alfred runs on its defaults and on provider keys in the environment.
    #[arg(long, short, value_name = "FILE", env = "ALFRED_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the gateway.
    ///
    /// Without a configuration file every provider whose usual environment variable holds a key is
    /// switched on: OPENAI_API_KEY, AZURE_OPENAI_API_KEY with AZURE_OPENAI_ENDPOINT,
    /// MISTRAL_API_KEY, GROQ_API_KEY, TOGETHER_API_KEY, HF_TOKEN, OLLAMA_HOST. Models are then
    /// called `provider/model`, for example openai/gpt-5-mini; `mock/echo` always works and costs
    /// nothing. SIGTERM lets requests in flight finish, SIGINT does not.
    Run(RunArgs),
    /// Read the configuration, say everything that is wrong with it, and exit.
    ///
    /// Exit status: 0 all is well, 1 there are problems, 2 the file cannot be read at all.
    Check(ConfigArg),
    /// Write a commented configuration file to begin with.
    Init(InitArgs),
    /// Run the scripted provider on a port of its own, for tests of your own.
    ///
    /// What it answers is decided by the model's name, for example `stream?chunks=50&delay=10ms`,
    /// `status?code=429` or `hang`. `alfred mock --list` lists them all.
    Mock(MockArgs),
    /// Create, list and revoke API keys.
    ///
    /// A running gateway sees the change within two seconds.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Print the JSON Schema of the configuration file.
    Schema,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Only check the configuration, as `alfred check` does.
    #[arg(long)]
    check_config: bool,
    /// Append one JSON line per answer of the built-in mock to this file.
    #[arg(long, value_name = "FILE", hide = true)]
    mock_usage_log: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct InitArgs {
    /// Where to write it.
    #[arg(default_value = "conf/alfred.yaml")]
    file: PathBuf,
    /// Add a section for this provider; may be given several times.
    #[arg(long, value_name = "KIND")]
    provider: Vec<String>,
    /// Overwrite the file if it exists.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct MockArgs {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9191")]
    listen: std::net::SocketAddr,
    /// Append one JSON line per answer to this file.
    #[arg(long, value_name = "FILE")]
    usage_log: Option<PathBuf>,
    /// List the scenarios and exit.
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key and print it. It is shown this once and never again.
    Create(CreateArgs),
    /// List the keys, without their secrets.
    List {
        #[command(flatten)]
        config: ConfigArg,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key: by its number, its public id (the twelve characters after `ak_live_`), or whole.
    Revoke {
        /// Number or public id, as `alfred keys list` shows them, or the whole key.
        key: String,
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Print the hash of a key for the `keys` section of the configuration file.
    ///
    /// The key is read from standard input, so that no shell keeps it.
    Hash,
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// What people call it.
    #[arg(long)]
    name: String,
    /// The environment that its text shows: ak_<env>_…
    #[arg(long, default_value = "live")]
    env: String,
    /// A model it may use, alias or provider/model; may be given several times. Without it, all.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// Requests per minute.
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u64>,
    /// Tokens per minute.
    #[arg(long, value_name = "N")]
    tokens_per_minute: Option<u64>,
    /// The moment it stops working, for example 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<jiff::Timestamp>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArg,
}

/// Parses the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) if args.check_config => check::check(&args.config),
        Command::Run(args) => run::run(&args),
        Command::Check(config) => check::check(&config),
        Command::Init(args) => files::init(&args),
        Command::Mock(args) => mock::mock(&args),
        Command::Keys(command) => keys::keys(command),
        Command::Schema => files::schema(),
        Command::Completions { shell } => {
            let mut out = std::io::stdout();
            clap_complete::generate(shell, &mut Cli::command(), "alfred", &mut out);
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}
