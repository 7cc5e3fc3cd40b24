//! Without a file, the variables that SDKs use switch providers on.

use serde_json::json;

use crate::support::{H1, Running, Shell, Upstream, chat};

/// The line that names the providers.
fn providers(running: &Running) -> Vec<String> {
    let said = running.err();
    let line = said.lines().find(|line| line.contains("providers: "));
    let line = line.unwrap_or_else(|| panic!("no providers are named:\n{said}"));
    let names = line.split("providers: ").nth(1).unwrap();
    let names = names.split(['"', '}']).next().unwrap();
    names.split(", ").map(str::to_owned).collect()
}

#[tokio::test]
async fn each_variable_switches_its_provider_on() {
    let mut shell = Shell::new();
    let (_, telemetry) = shell.choose_ports();
    for (name, value) in [
        ("OPENAI_API_KEY", "sk-one"),
        ("AZURE_OPENAI_API_KEY", "two"),
        ("AZURE_OPENAI_ENDPOINT", "https://res.openai.azure.com"),
        ("MISTRAL_API_KEY", "three"),
        ("GROQ_API_KEY", "four"),
        ("TOGETHER_API_KEY", "five"),
        ("HF_TOKEN", "hf_six"),
        ("CO_API_KEY", "seven"),
    ] {
        shell.set(name, value);
    }
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    let mut names = providers(&running);
    names.sort();
    let expected = [
        "azure",
        "cohere",
        "groq",
        "huggingface",
        "mistral",
        "mock",
        "openai",
        "together",
    ];
    assert_eq!(names, expected);
    for hidden in ["sk-one", "hf_six"] {
        assert!(!running.err().contains(hidden), "{hidden} was printed");
    }
}

#[tokio::test]
async fn without_any_only_the_mock_is_there_and_an_empty_variable_is_none() {
    let mut shell = Shell::new();
    let (_, telemetry) = shell.choose_ports();
    shell.set("OPENAI_API_KEY", "");
    shell.set("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    assert_eq!(providers(&running), ["mock"]);
}

#[tokio::test]
async fn a_provider_that_was_switched_on_answers_by_its_name() {
    let mock = Upstream::mock().await;
    let mut shell = Shell::new();
    let (gateway, telemetry) = shell.choose_ports();
    shell.set("OLLAMA_HOST", mock.addr.to_string());
    shell.set("AZURE_OPENAI_API_KEY", "good");
    shell.set(
        "AZURE_OPENAI_ENDPOINT",
        format!("http://{}/openai/v1", mock.addr),
    );
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    let key = shell.read("data/first-key");
    let mut client = H1::connect(gateway).await.with_key(key.trim());
    let answer = client
        .chat(&chat("ollama/echo", json!({})))
        .await
        .expect(200);
    assert_eq!(answer.header("x-alfred-provider"), "ollama");
    assert_eq!(
        answer.json()["choices"][0]["message"]["content"],
        "one two three"
    );
    client
        .chat(&chat("groq/llama", json!({})))
        .await
        .expect_refusal(404, "model_not_found");
    let seen = mock.ended(1).await;
    assert_eq!(seen[0]["path"], "/v1/chat/completions");
    client.chat(&chat("azure/echo", json!({}))).await;
    let seen = mock.ended(2).await;
    let told = seen[1]["headers"].as_object().unwrap();
    assert!(
        told.contains_key("api-key") && !told.contains_key("authorization"),
        "{told:?}"
    );
    assert_eq!(seen[1]["path"], "/openai/v1/chat/completions");
}

#[test]
fn a_broken_variable_is_named_and_its_value_is_not_shown() {
    let mut shell = Shell::new();
    shell.set("ALFRED_LISTEN_GATEWAY", "nowhere-at-all");
    shell.set("OLLAMA_HOST", "gpu box");
    let said = shell.run(&["run"]);
    assert_ne!(said.status, 0, "{said:?}");
    assert!(
        said.err.contains("ALFRED_LISTEN_GATEWAY") && said.err.contains("OLLAMA_HOST"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("nowhere-at-all"), "{}", said.err);
}
