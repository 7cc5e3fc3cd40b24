//! Why: the words a person types. Each subcommand is a file that prepares rooms of the library and
//! lets them work; nothing is decided here that the library could decide.

mod absences;
mod audit;
mod by_hand;
mod check;
mod conform;
mod failure;
mod files;
mod guard;
mod guard_eval;
mod guard_policies;
mod keys;
mod ledger;
mod mock;
mod open;
mod organisations;
mod run;
mod select;
mod show;
mod teams;
mod tokens;
mod transactions;
mod users;
mod verify;
mod wallets;
mod words;

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
    /// GEMINI_API_KEY, MISTRAL_API_KEY, GROQ_API_KEY, TOGETHER_API_KEY, HF_TOKEN, COHERE_API_KEY, OLLAMA_HOST.
    /// Models are then called `provider/model`, for example openai/gpt-5-mini; `mock/echo` always works and costs
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
    /// Hold any gateway or provider to what clients count on, and print what it breaks.
    ///
    /// It is asked what official clients ask: whole and streamed answers, tools, lists, and what must
    /// be refused. Exit status: 0 nothing is wrong, 1 there are violations.
    Conform(conform::ConformArgs),
    /// See what the guards find in texts of your own.
    #[command(subcommand)]
    Guard(guard::GuardCommand),
    /// Create, list, change, rotate and revoke API keys.
    ///
    /// A running gateway sees the change within two seconds.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Make and change organisations, the tenants of the house.
    #[command(subcommand)]
    Organisations(organisations::OrganisationsCommand),
    /// Make and change teams, and say who belongs to them.
    #[command(subcommand)]
    Teams(teams::TeamsCommand),
    /// Make, change, suspend and close users, and set passwords.
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Plan and end absences, which lend a quota to the team.
    #[command(subcommand)]
    Absences(absences::AbsencesCommand),
    /// Create, list and revoke access tokens for the admin API.
    #[command(subcommand)]
    Tokens(tokens::TokensCommand),
    /// Make wallets, move money, set limits.
    #[command(subcommand)]
    Wallets(wallets::WalletsCommand),
    /// Read the ledger line by line, and put estimates right.
    #[command(subcommand)]
    Transactions(transactions::TransactionsCommand),
    /// Sum up who used how much of what, this month unless told otherwise.
    Usage(transactions::UsageArgs),
    /// Read and verify the record of what people did and what requests cost.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Check that the ledger keeps its promises.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
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

/// Which store, and how the answer is given.
#[derive(Debug, Args)]
struct At {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArg,
}

/// Parses the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    match act(Cli::parse().command) {
        Ok(()) | Err(Failure::Enough) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}

fn act(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) if args.check_config => check::check(&args.config),
        Command::Run(args) => run::run(&args),
        Command::Check(config) => check::check(&config),
        Command::Init(args) => files::init(&args),
        Command::Mock(args) => mock::mock(&args),
        Command::Conform(args) => conform::conform(args),
        Command::Guard(command) => guard::guard(command),
        Command::Keys(command) => keys::keys(command),
        Command::Organisations(command) => organisations::organisations(command),
        Command::Teams(command) => teams::teams(command),
        Command::Users(command) => users::users(command),
        Command::Absences(command) => absences::absences(command),
        Command::Tokens(command) => tokens::tokens(command),
        Command::Wallets(command) => wallets::wallets(command),
        Command::Transactions(command) => transactions::transactions(command),
        Command::Usage(args) => transactions::usage(&args),
        Command::Audit(command) => audit::audit(&command),
        Command::Ledger(command) => ledger::ledger(&command),
        Command::Schema => files::schema(),
        Command::Completions { shell } => {
            let mut out = std::io::stdout();
            clap_complete::generate(shell, &mut Cli::command(), "alfred", &mut out);
            Ok(())
        }
    }
}
