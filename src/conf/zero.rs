//! Why: Alfred must answer without any file. What holds then is a YAML text too, made from the environment and read by
//! the same reader as every other configuration.

use std::fmt::Write as _;

use super::config::Config;
use super::environment::Environment;
use super::problem::Problems;
use super::provider::Kind;

/// The configuration that holds where there is no file: one provider for each API key in the environment, under the
/// names the vendors' own SDKs use, called as its kind (`openai`, `azure`, …), and the mock.
///
/// Read are `OPENAI_API_KEY`, `AZURE_OPENAI_API_KEY` with `AZURE_OPENAI_ENDPOINT` (and `OPENAI_API_VERSION` for the
/// classic form), `ANTHROPIC_API_KEY`, `MISTRAL_API_KEY`, `GROQ_API_KEY`, `TOGETHER_API_KEY`, `HF_TOKEN`, `COHERE_API_KEY`
/// or `CO_API_KEY`, `AWS_BEARER_TOKEN_BEDROCK` with `AWS_REGION`, and `OLLAMA_HOST`; an empty variable
/// counts as unset. `OPENAI_BASE_URL` is not read: in a user's shell it points at Alfred itself. `ALFRED_DATA_DIR`,
/// `ALFRED_LISTEN_GATEWAY`, `ALFRED_LISTEN_ADMIN`, `ALFRED_LISTEN_TELEMETRY` and `ALFRED_LISTEN_CONSOLE` replace the
/// defaults.
///
/// # Errors
/// All that is wrong with these variables; the lines are those of the file that would say the same.
pub fn zero(env: &Environment) -> Result<Config, Problems> {
    let mut env = env.clone();
    let mut text = String::from(
        "listen:
  gateway: ${ALFRED_LISTEN_GATEWAY:-}
  admin: ${ALFRED_LISTEN_ADMIN:-}
  telemetry: ${ALFRED_LISTEN_TELEMETRY:-}
  console: ${ALFRED_LISTEN_CONSOLE:-}
data_dir: ${ALFRED_DATA_DIR:-}
providers:
",
    );
    for kind in Kind::ALL {
        if let Some(line) = line(*kind, &mut env) {
            let name = kind.name();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name}: {{ kind: {name}, {line} }}");
        }
    }
    super::parse("environment", &text, &env)
}

/// The settings of a provider of this kind, if the environment switches it on.
fn line(kind: Kind, env: &mut Environment) -> Option<String> {
    if kind == Kind::Ollama {
        let url = ollama(env.filled("OLLAMA_HOST")?);
        env.set("OLLAMA_HOST", url);
        return Some("endpoints: [\"${OLLAMA_HOST}\"]".to_owned());
    }
    let mut variable = kind.key_variable()?;
    if kind == Kind::Cohere && env.filled(variable).is_none() {
        // The name that its own SDK reads.
        variable = "CO_API_KEY";
    }
    env.filled(variable)?;
    let keys = format!("keys: [\"${{{variable}}}\"]");
    if kind == Kind::Bedrock {
        env.filled("AWS_REGION")?;
        return Some(format!("{keys}, region: \"${{AWS_REGION}}\""));
    }
    if kind != Kind::Azure {
        return Some(keys);
    }
    let endpoint = env.filled("AZURE_OPENAI_ENDPOINT")?;
    let is_v1 = endpoint.trim_end_matches('/').ends_with("/v1");
    let version = match is_v1 {
        true => "",
        false => ", api_version: \"${OPENAI_API_VERSION:-}\"",
    };
    Some(format!(
        "{keys}, endpoints: [\"${{AZURE_OPENAI_ENDPOINT}}\"]{version}"
    ))
}

/// `OLLAMA_HOST` as Ollama's own client understands it: scheme and port may be missing, and the address a server binds
/// to (0.0.0.0) means this machine.
fn ollama(host: &str) -> String {
    let host = host.trim();
    let (scheme, rest) = host.split_once("://").unwrap_or(("http", host));
    let (authority, path) = rest
        .find('/')
        .map_or((rest, ""), |index| rest.split_at(index));
    let (name, port) = match authority.rfind(':') {
        Some(index) if !authority.ends_with(']') => authority.split_at(index),
        _ => (authority, ""),
    };
    let name = match name {
        "" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        name => name,
    };
    let port = match port {
        "" if !host.contains("://") => ":11434",
        port => port,
    };
    format!("{scheme}://{name}{port}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Config {
        zero(&Environment::from_pairs(pairs.iter().copied())).unwrap()
    }

    #[test]
    fn an_empty_environment_leaves_only_the_mock() {
        let config = with(&[]);
        assert_eq!(config.providers.keys().collect::<Vec<_>>(), ["mock"]);
        assert_eq!(config.listen, super::super::Listen::default());
        assert_eq!(config.data_dir, std::path::Path::new("./data"));
    }

    #[test]
    fn each_key_of_an_sdk_switches_its_provider_on() {
        let variables = [
            ("OPENAI_API_KEY", "a"),
            ("AZURE_OPENAI_API_KEY", "b"),
            ("AZURE_OPENAI_ENDPOINT", "https://res.openai.azure.com/"),
            ("OPENAI_API_VERSION", "2024-10-21"),
            ("ANTHROPIC_API_KEY", "g"),
            ("GEMINI_API_KEY", "h"),
            ("MISTRAL_API_KEY", "c"),
            ("GROQ_API_KEY", "d"),
            ("TOGETHER_API_KEY", "e"),
            ("HF_TOKEN", "f"),
            ("AWS_BEARER_TOKEN_BEDROCK", "i"),
            ("AWS_REGION", "eu-west-1"),
            ("CO_API_KEY", "j"),
            ("OLLAMA_HOST", "gpu"),
        ];
        let config = with(&variables);
        for kind in Kind::ALL {
            let configured = config
                .providers
                .get(kind.name())
                .map(|provider| provider.kind);
            let expected = (*kind != Kind::OpenaiCompatible).then_some(*kind);
            assert_eq!(configured, expected);
        }
        let azure = &config.providers["azure"];
        assert_eq!(azure.endpoints[0].url, "https://res.openai.azure.com");
        assert_eq!(azure.api_version.as_deref(), Some("2024-10-21"));
        assert_eq!(config.providers["openai"].keys[0].expose(), "a");
        assert_eq!(config.providers["cohere"].keys[0].expose(), "j");
        let both = with(&[("CO_API_KEY", "j"), ("COHERE_API_KEY", "k")]);
        assert_eq!(both.providers["cohere"].keys[0].expose(), "k");
    }

    #[test]
    fn azure_without_a_version_is_called_by_its_v1_form() {
        let key = ("AZURE_OPENAI_API_KEY", "b");
        for endpoint in [
            "https://res.openai.azure.com",
            "https://res.openai.azure.com/openai/v1/",
        ] {
            let config = with(&[key, ("AZURE_OPENAI_ENDPOINT", endpoint)]);
            let azure = &config.providers["azure"];
            assert_eq!(
                azure.endpoints[0].url,
                "https://res.openai.azure.com/openai/v1"
            );
            assert_eq!(azure.api_version, None);
        }
        let v1 = (
            "AZURE_OPENAI_ENDPOINT",
            "https://res.openai.azure.com/openai/v1/",
        );
        let config = with(&[key, v1, ("OPENAI_API_VERSION", "2024-10-21")]);
        assert_eq!(config.providers["azure"].api_version, None);
        assert!(!with(&[key]).providers.contains_key("azure"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let config = with(&[
            ("OPENAI_API_KEY", ""),
            ("OLLAMA_HOST", ""),
            ("ALFRED_DATA_DIR", ""),
        ]);
        assert_eq!(config.providers.len(), 1);
        assert_eq!(config.data_dir, std::path::Path::new("./data"));
    }

    #[test]
    fn the_base_url_of_the_openai_sdk_is_never_read() {
        let loop_to_self = ("OPENAI_BASE_URL", "http://alfred:9090/v1");
        let config = with(&[("OPENAI_API_KEY", "a"), loop_to_self]);
        let openai = &config.providers["openai"];
        assert_eq!(openai.endpoints[0].url, "https://api.openai.com/v1");
    }

    #[test]
    fn the_host_of_ollama_is_read_as_its_own_client_reads_it() {
        for (host, url) in [
            ("gpu", "http://gpu:11434/v1"),
            ("0.0.0.0", "http://127.0.0.1:11434/v1"),
            (":4000", "http://127.0.0.1:4000/v1"),
            ("10.0.0.7:80", "http://10.0.0.7:80/v1"),
            (
                "https://ollama.example.com/",
                "https://ollama.example.com/v1",
            ),
            ("http://proxy/ollama/v1", "http://proxy/ollama/v1"),
            ("[::]:5", "http://[::1]:5/v1"),
            ("[::1]", "http://[::1]:11434/v1"),
        ] {
            let config = with(&[("OLLAMA_HOST", host)]);
            assert_eq!(config.providers["ollama"].endpoints[0].url, url, "{host}");
        }
    }

    #[test]
    fn addresses_and_folder_can_be_set_without_a_file() {
        let config = with(&[
            ("ALFRED_LISTEN_GATEWAY", "127.0.0.1:1"),
            ("ALFRED_LISTEN_ADMIN", "127.0.0.1:2"),
            ("ALFRED_LISTEN_TELEMETRY", "127.0.0.1:3"),
            ("ALFRED_LISTEN_CONSOLE", "127.0.0.1:4"),
            ("ALFRED_DATA_DIR", "/var/lib/alfred"),
        ]);
        let listen = config.listen;
        let ports = [
            listen.gateway,
            listen.admin,
            listen.telemetry,
            listen.console,
        ];
        assert_eq!(ports.map(|address| address.port()), [1, 2, 3, 4]);
        assert_eq!(config.data_dir, std::path::Path::new("/var/lib/alfred"));
    }

    #[test]
    fn a_broken_variable_is_named_and_its_value_is_not_shown() {
        let env = Environment::from_pairs([
            ("ALFRED_LISTEN_GATEWAY", "nowhere-at-all"),
            ("OPENAI_API_KEY", "sk-secret\nx"),
            ("OLLAMA_HOST", "gpu box"),
        ]);
        let told = zero(&env).unwrap_err().to_string();
        assert_eq!(told.matches("environment:").count(), 3, "{told}");
        for hidden in ["nowhere", "sk-secret", "gpu box"] {
            assert!(!told.contains(hidden), "{told}");
        }
        assert!(told.contains("${OPENAI_API_KEY}"), "{told}");
    }
}
