//! Why: the signing key must survive restarts, races and curious neighbours as the pepper does.

use super::{Signer, to_hex};
use crate::private_file::FileProblem;
use crate::random::os_random;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::tempdir;

const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";

fn load(directory: &Path) -> Result<Signer, FileProblem> {
    Signer::load_or_create(directory, &mut os_random)
}

fn fixed(bytes: &mut [u8]) -> std::io::Result<()> {
    bytes.fill(7);
    Ok(())
}

#[test]
fn a_key_is_made_once_private_and_kept() {
    let directory = tempdir().unwrap();
    let first = load(directory.path()).unwrap().public_key();
    assert_eq!(load(directory.path()).unwrap().public_key(), first);
    let path = directory.path().join("signing-key");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    let other = tempdir().unwrap();
    assert_ne!(load(other.path()).unwrap().public_key(), first);
}

#[test]
fn two_processes_starting_together_sign_with_the_same_key() {
    let directory = tempdir().unwrap();
    let keys: Vec<_> = std::thread::scope(|scope| {
        let start = || load(directory.path()).unwrap().public_key();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn the_file_is_the_pem_that_every_toolbox_writes() {
    let directory = tempdir().unwrap();
    let signer = Signer::load_or_create(directory.path(), &mut fixed).unwrap();
    let text = fs::read_to_string(directory.path().join("signing-key")).unwrap();
    assert_eq!(text, PEM);
    assert_eq!(to_hex(&signer.public_key()), PUBLIC);
}

#[test]
fn a_secret_of_the_configuration_is_pem_or_a_seed() {
    let seed = "07".repeat(32);
    for text in [PEM, PEM.trim(), &PEM.replace('\n', "\r\n"), &seed] {
        let signer = Signer::from_text(text).unwrap();
        assert_eq!(to_hex(&signer.public_key()), PUBLIC);
    }
    for bad in [
        "",
        "0707",
        "-----BEGIN PRIVATE KEY-----",
        &PEM.replace("MC4C", "MC4D"),
    ] {
        assert!(Signer::from_text(bad).is_none(), "{bad}");
    }
    assert!(Signer::from_pkcs8(b"").is_none());
}

#[test]
fn keys_of_other_toolboxes_with_the_public_half_are_read_too() {
    let random = ring::rand::SystemRandom::new();
    let document = ring::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    assert!(Signer::from_pkcs8(document.as_ref()).is_some());
}

#[test]
fn a_key_that_is_cut_or_open_to_others_is_refused_not_replaced() {
    let directory = tempdir().unwrap();
    load(directory.path()).unwrap();
    let path = directory.path().join("signing-key");
    for bad in [
        "",
        "hunter2",
        "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n",
    ] {
        fs::write(&path, bad).unwrap();
        let problem = load(directory.path()).unwrap_err();
        assert!(
            matches!(problem, FileProblem::Malformed { .. }),
            "{problem}"
        );
        assert!(!problem.to_string().contains("hunter2"));
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let problem = load(directory.path()).unwrap_err();
    assert!(problem.hint().contains("chmod 600"));
}

#[test]
fn no_key_without_random_bytes_and_none_in_debug() {
    let directory = tempdir().unwrap();
    let mut broken = |_: &mut [u8]| Err(std::io::Error::other("no entropy"));
    assert!(Signer::load_or_create(directory.path(), &mut broken).is_err());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    let shown = format!("{:?}", Signer::from_text(PEM).unwrap());
    assert_eq!(shown, format!("Signer(public key {PUBLIC}, ***)"));
}
