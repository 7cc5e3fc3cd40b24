//! Families that a name of a protocol or program gives away rather than a vendor,
//! and the words that names of secrets are made of.

use super::super::family::{Family, named};

pub(super) const ROWS: &[Family] = &[
    named(
        "sidekiq-secret",
        "bundleenterprisecontribsyscom|bundlegemscontribsyscom",
        "{h:8}:{h:8}",
    )
    .floor(15),
    named(
        "registry-auth-token",
        "npmjsorgauthtoken|npmpkggithubcomauthtoken",
        "{uuid} {B:20-80}",
    ),
    named(
        "docker-config-auth",
        "dockerconfigjson|dockercfg",
        "{B:40-4000}",
    ),
    named("laravel-app-key", "laravel|appkey", "base64:{b:43}="),
    named("rails-master-key", "railsmasterkey|masterkey", "{h:32}"),
    named("rails-secret-key-base", "secretkeybase", "{h:128} {h:64}"),
    named(
        "django-secret-key",
        "djangosecretkey|djangosecret",
        "{g:40-60}",
    ),
    named(
        "wordpress-salt",
        "authsalt|secureauthkey|loggedinkey|noncekey|noncesalt",
        "{g:50-70}",
    ),
    named(
        "azure-connection-key",
        "accountkey|sharedaccesskey|sharedsecretissuer",
        "{b:86}== {b:43}= {B:40-90}",
    ),
    named("azure-sas", "sharedaccesssignature", "{G:30-200}"),
    named("wireguard-key", "presharedkey|wgprivatekey", "{b:43}="),
    named("ansible-vault", "ansiblevault", "{h:80}"),
    named(
        "putty-private-key",
        "privatemac|privatehash",
        "{h:40} {h:64}",
    ),
    named(
        "jenkins-token",
        "jenkinstoken|jenkinsapi",
        "{h:34} 11{h:32}",
    ),
    named("argocd-token", "argocdauthtoken", "{G:80-400}"),
    named(
        "kubernetes-secret",
        "clientkeydata|clientcertificatekey",
        "{B:100-8000}",
    ),
    named(
        "aws-secret-access-key",
        "secretaccesskey|awssecretaccesskey|awssecretkey|awssecret",
        "{B:40}",
    )
    .floor(35),
    named(
        "aws-session-token-named",
        "awssessiontoken",
        "{B:100-2000} {G:60-2000}",
    ),
    named("openssl-passphrase", "opensslpassphrase", "{g:8-80}"),
];

/// Words that name a secret by themselves.
pub(super) const SECRET: &str = "secret secretkey secretaccesskey token accesstoken authtoken \
    refreshtoken bearertoken apitoken apikey apisecret appkey appsecret clientsecret accesskey \
    authkey authkey privatekey encryptionkey signingkey signingsecret sharedkey sharedsecret \
    sharedaccesskey accountkey masterkey servicekey servicetoken sessionkey sessiontoken \
    sessionsecret licensekey deploykey webhooksecret hmackey credential creds authorization \
    bearer jwt passkey seedphrase mnemonic consumersecret consumerkey authsecret cookiesecret \
    storagekey subscriptionkey functionkey sastoken dbtoken xapikey xauthtoken authheader apipass \
    oauth oauthtoken pat";

/// Words that name a password, in some languages.
pub(super) const PASSWORD: &str = "password passwd passwort kennwort passphrase passcode pass pwd \
    passw userpass dbpass dbpassword motdepasse contrasena senha parola haslo wachtwoord";

/// Words that say something beside a vendor's name.
pub(super) const HINT: &str = "auth login api id sid account client user dsn \
    product platform license webhook signature app connection username pswd";

/// Words that say the opposite.
pub(super) const PUBLIC: &str = "public pub publishable publickey pubkey publictoken maxtokens \
    tokencount totaltokens tokentype tokenurl tokenid keyid keyname keytype keycode keyword \
    primarykey foreignkey cachekey idempotencykey partitionkey sortkey keyfile keypath \
    nexttoken pagetoken continuationtoken csrf csrftoken xsrftoken checksum fingerprint \
    secretname secretarn tokenizer passwordhash hash digest commit sha";
