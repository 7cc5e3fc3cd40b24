//! A running gateway with two tenants, and a person of every role in each.

use serde_json::{Value, json};

use crate::support::services::Postgres;
use crate::support::{Answer, Gateway, H1};

/// Where a house keeps what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// A file of its own.
    Sqlite,
    /// A database of its own, on the server that all tests of this process share.
    Postgres,
}

impl Store {
    /// The line of a configuration that names a new, empty database.
    pub(crate) fn line(self) -> String {
        match self {
            Self::Sqlite => "store: sqlite\n".to_owned(),
            Self::Postgres => {
                let url = Postgres::shared().create_database("admin");
                format!("store: {{ postgres: {{ url: \"{url}\", pool: 4 }} }}\n")
            }
        }
    }
}

/// Runs each of these as a test of its own on SQLite, and as another on PostgreSQL.
macro_rules! on_each_store {
    ($($name:ident,)+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::house::Store::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::house::Store::Postgres).await;
            })+
        }
    };
}
pub(crate) use on_each_store;

/// The roles that people have in tests.
pub(crate) const ROLES: [&str; 5] = ["owner", "admin", "auditor", "lead", "member"];

/// A gateway and the access token of the house's owner.
pub(crate) struct House {
    pub(crate) gateway: Gateway,
    pub(crate) token: String,
}

/// A person and their token.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) token: String,
}

/// One of everything that a tenant has.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) org: i64,
    pub(crate) team: i64,
    /// In the order of [`ROLES`].
    pub(crate) people: Vec<Person>,
    pub(crate) wallet: i64,
    pub(crate) absence: i64,
    pub(crate) key: i64,
    pub(crate) access_token: i64,
}

impl House {
    /// A house on a new database.
    pub(crate) async fn start(store: Store) -> Self {
        Self::start_with(&store.line()).await
    }

    /// A house with these settings.
    pub(crate) async fn start_with(yaml: &str) -> Self {
        let gateway = Gateway::start(&format!("flood: {{ requests: 0 }}\n{yaml}")).await;
        let token = gateway.admin_token();
        Self { gateway, token }
    }

    /// A request with a token, further header lines and perhaps a body.
    pub(crate) async fn send(
        &self,
        token: &str,
        line: &str,
        lines: &[&str],
        body: Option<&Value>,
    ) -> Answer {
        let mut client = H1::connect(self.gateway.admin).await;
        let mut head = format!("{line} HTTP/1.1\r\nhost: {}\r\n", self.gateway.admin);
        if !token.is_empty() {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for line in lines {
            head.push_str(&format!("{line}\r\n"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            let length = body.len();
            head.push_str(&format!(
                "content-type: application/json\r\ncontent-length: {length}\r\n"
            ));
        }
        client.send(format!("{head}\r\n{body}")).await;
        client.answer().await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(token, &format!("GET {path}"), &[], None).await
    }

    /// A change with a fresh idempotency key, of whatever version.
    pub(crate) async fn change(&self, token: &str, line: &str, body: Value) -> Answer {
        let key = format!("idempotency-key: {}", fresh());
        self.send(token, line, &[&key, "if-match: *"], Some(&body))
            .await
    }

    /// Makes something as the owner of the house or of a tenant, and answers its row.
    pub(crate) async fn make(&self, token: &str, path: &str, body: Value) -> Value {
        let answer = self.change(token, &format!("POST {path}"), body).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.json()
    }

    /// A tenant of this name, with a person of each role.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let org = self
            .make(&self.token, "/v1/organisations", json!({ "name": name }))
            .await["id"]
            .as_i64()
            .unwrap();
        let path = format!("/v1/organisations/{org}/owners");
        let owner = self
            .make(
                &self.token,
                &path,
                json!({ "email": format!("owner@{name}.example") }),
            )
            .await["id"]
            .as_i64()
            .unwrap();
        let owner = Person {
            id: owner,
            token: self.cli_token(owner),
        };
        self.furnish(org, name, owner).await
    }

    /// The house's own organisation, with a person of each role.
    pub(crate) async fn own_tenant(&self) -> Tenant {
        let me = self.get(&self.token, "/v1/me").await.expect(200).json();
        let owner = Person {
            id: me["id"].as_i64().unwrap(),
            token: self.token.clone(),
        };
        self.furnish(me["org_id"].as_i64().unwrap(), "house", owner)
            .await
    }

    async fn furnish(&self, org: i64, name: &str, owner: Person) -> Tenant {
        let by = owner.token.clone();
        let id = |row: Value| row["id"].as_i64().unwrap();
        let team = json!({ "name": "core", "common_pool": "100", "vacation_share_pct": 50 });
        let team = id(self.make(&by, "/v1/teams", team).await);
        let mut people = vec![owner];
        for role in &ROLES[1..] {
            let (role_, team_role) = match *role {
                "lead" => ("member", "lead"),
                role => (role, "member"),
            };
            let new = json!({
                "email": format!("{role}@{name}.example"), "role": role_,
                "team_role": team_role, "team_id": team, "personal_quota": "10",
            });
            let id = id(self.make(&by, "/v1/users", new).await);
            let token = json!({ "name": role, "user_id": id });
            let made = self.make(&by, "/v1/tokens", token).await;
            let token = made["token"].as_str().unwrap().to_owned();
            people.push(Person { id, token });
        }
        let member = people[4].clone();
        let wallet = json!({ "owner_type": "user", "owner_id": member.id });
        let absence = json!({
            "user_id": member.id,
            "starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-02-01T00:00:00Z",
        });
        let key = json!({ "name": "k", "user_id": member.id });
        let mine = self.get(&member.token, "/v1/tokens").await.expect(200);
        Tenant {
            org,
            team,
            wallet: id(self.make(&by, "/v1/wallets", wallet).await),
            absence: id(self.make(&by, "/v1/absences", absence).await),
            key: id(self.make(&by, "/v1/keys", key).await),
            access_token: mine.json()["data"][0]["id"].as_i64().unwrap(),
            people,
        }
    }

    fn cli_token(&self, user: i64) -> String {
        self.gateway.token_of(&user.to_string())
    }
}

/// An idempotency key that nobody has used.
pub(crate) fn fresh() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Fails unless it is a refusal of this status and code in the shape of RFC 9457.
#[track_caller]
pub(crate) fn expect_problem(answer: Answer, status: u16, code: &str) {
    let answer = answer.expect(status);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let told = answer.json();
    assert_eq!(told["code"], code, "{told:#}");
    assert_eq!(told["status"], status);
    assert!(told["title"].is_string() && told["detail"].is_string() && told["hint"].is_string());
}
