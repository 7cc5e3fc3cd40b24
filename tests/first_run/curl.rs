//! The curl that the first start prints, read as a shell would read it.

use std::process::Command;

use crate::support::{Answer, Ending, H1};

/// The command in what was printed: from `curl` to the first line that does not go on.
pub(crate) fn printed(text: &str) -> String {
    let mut lines = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("curl "));
    let mut command = String::new();
    for line in &mut lines {
        command.push_str(line);
        command.push('\n');
        if !line.ends_with('\\') {
            return command;
        }
    }
    panic!("no curl was printed:\n{text}")
}

/// The words of a command: single quotes and backslashes at line ends, which is all it needs.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None, false);
    for letter in command.replace("\\\n", " ").chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_with(String::new);
            }
            letter if letter.is_whitespace() && !quoted => words.extend(word.take()),
            letter => word.get_or_insert_with(String::new).push(letter),
        }
    }
    words.extend(word);
    words
}

/// Sends what the curl would send.
pub(crate) async fn sent(command: &str) -> Answer {
    let words = words(command);
    assert_eq!(words[0], "curl");
    let after = |flag: &'static str| {
        let pairs = words
            .iter()
            .zip(&words[1..])
            .filter(move |(word, _)| *word == flag);
        pairs.map(|(_, value)| value.as_str())
    };
    let url = words
        .iter()
        .find(|word| word.starts_with("http://"))
        .unwrap();
    let (addr, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let body = after("-d").next().unwrap();
    let length = format!("content-length: {}", body.len());
    let lines: Vec<&str> = after("-H").chain([length.as_str()]).collect();
    let mut client = H1::connect(addr.parse().unwrap()).await;
    let head = client.head("POST", &format!("/{path}"), &lines);
    client.send(head + body).await;
    client.answer().await
}

/// Runs the command in a shell with the real curl; `None` where there is none.
pub(crate) fn run(command: &str) -> Option<Answer> {
    Command::new("curl").arg("--version").output().ok()?;
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(Answer {
        status: 200,
        headers: Vec::new(),
        body: output.stdout,
        ending: Ending::Complete,
    })
}
