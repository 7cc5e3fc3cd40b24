//! The kinds of personal data: their names in policies and placeholders, how far
//! each can be trusted, and the country pack that switches it on. One table, so
//! that a new kind is one row and nothing can be named twice.

use std::borrow::Cow;

/// How far a kind can be told from text that looks like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// A checksum or a strict grammar.
    A,
    /// A shape that needs a word beside it.
    B,
    /// Words behind a phrase: often found, often missed.
    C,
}

/// What the table says of one kind.
struct Row {
    name: &'static str,
    word: &'static str,
    tier: Tier,
    pack: &'static str,
    default: bool,
}

macro_rules! entities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $word:literal, $tier:ident, $pack:literal, $default:literal;)*) => {
        /// One kind of personal data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Entity { $($(#[$doc])* $variant,)* }

        impl Entity {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Entity] = &[$(Entity::$variant,)*];

            const fn row(self) -> Row {
                match self {
                    $(Entity::$variant => Row {
                        name: $name, word: $word, tier: Tier::$tier, pack: $pack, default: $default,
                    },)*
                }
            }
        }
    };
}

entities! {
    /// An e-mail address.
    Email = "email", "EMAIL", A, "", true;
    /// A payment card's number.
    CreditCard = "credit_card", "CARD", A, "", true;
    /// An international bank account number.
    Iban = "iban", "IBAN", A, "", true;
    /// An IPv4 or IPv6 address or network.
    IpAddress = "ip_address", "IP", A, "", true;
    /// A hardware address of a network card.
    MacAddress = "mac_address", "MAC", A, "", true;
    /// An address of Bitcoin or Ethereum.
    CryptoWallet = "crypto_wallet", "WALLET", A, "", true;
    /// A phone number.
    Phone = "phone", "PHONE", B, "", true;
    /// A passport's number.
    Passport = "passport", "PASSPORT", B, "", false;
    /// A driving licence's number.
    DriverLicence = "driver_licence", "LICENCE", B, "", false;
    /// A date of birth.
    BirthDate = "date_of_birth", "BIRTHDATE", B, "", false;
    /// A bank account's number that is no IBAN.
    BankAccount = "bank_account", "ACCOUNT", B, "", false;
    /// A vehicle's registration.
    LicencePlate = "licence_plate", "PLATE", B, "", false;
    /// A person's name behind a phrase such as "my name is".
    Person = "person", "PERSON", C, "", false;
    /// A postal address behind a phrase such as "I live at".
    Address = "address", "ADDRESS", C, "", false;
    /// United States: social security number.
    UsSsn = "us_ssn", "SSN", B, "us", true;
    /// United States: individual taxpayer identification number.
    UsItin = "us_itin", "ITIN", B, "us", false;
    /// United States: national provider identifier.
    UsNpi = "us_npi", "NPI", A, "us", false;
    /// United States: a prescriber's registration with the DEA.
    UsDea = "us_dea", "DEA", A, "us", false;
    /// United States: a bank's routing number.
    UsRouting = "us_routing", "ROUTING", A, "us", false;
    /// United States: Medicare beneficiary identifier.
    UsMbi = "us_mbi", "MBI", A, "us", false;
    /// United Kingdom: NHS number.
    UkNhs = "uk_nhs", "NHS", A, "uk", false;
    /// United Kingdom: national insurance number.
    UkNino = "uk_nino", "NINO", A, "uk", false;
    /// United Kingdom: postcode.
    UkPostcode = "uk_postcode", "POSTCODE", B, "uk", false;
    /// Germany: tax identification number.
    DeTaxId = "de_tax_id", "STEUERID", A, "de", false;
    /// Germany: pension insurance number.
    DeSocialSecurity = "de_social_security", "SOZIAL", A, "de", false;
    /// Germany: health insurance number.
    DeHealthInsurance = "de_health_insurance", "KVNR", A, "de", false;
    /// Germany: identity card.
    DeIdCard = "de_id_card", "AUSWEIS", A, "de", false;
    /// Germany: a physician's number.
    DeLanr = "de_lanr", "LANR", A, "de", false;
    /// Germany: a medical practice's number.
    DeBsnr = "de_bsnr", "BSNR", B, "de", false;
    /// France: social security number.
    FrNir = "fr_nir", "NIR", A, "fr", false;
    /// Spain: citizen's tax number.
    EsNif = "es_nif", "NIF", A, "es", false;
    /// Spain: foreigner's number.
    EsNie = "es_nie", "NIE", A, "es", false;
    /// Italy: codice fiscale.
    ItFiscalCode = "it_fiscal_code", "FISCAL", A, "it", false;
    /// Italy: VAT number.
    ItVat = "it_vat", "ITVAT", A, "it", false;
    /// Italy: identity card.
    ItIdentityCard = "it_identity_card", "ITCARD", B, "it", false;
    /// Poland: PESEL.
    PlPesel = "pl_pesel", "PESEL", A, "pl", false;
    /// Netherlands: burgerservicenummer.
    NlBsn = "nl_bsn", "BSN", A, "nl", false;
    /// Belgium: national register number.
    BeNational = "be_national", "RIJKSREG", A, "be", false;
    /// Portugal: tax number.
    PtNif = "pt_nif", "PTNIF", A, "pt", false;
    /// Switzerland: AHV number.
    ChAhv = "ch_ahv", "AHV", A, "ch", false;
    /// Austria: social insurance number.
    AtSvnr = "at_svnr", "SVNR", A, "at", false;
    /// Brazil: a person's tax number.
    BrCpf = "br_cpf", "CPF", A, "br", false;
    /// Brazil: a company's tax number.
    BrCnpj = "br_cnpj", "CNPJ", A, "br", false;
    /// Canada: social insurance number.
    CaSin = "ca_sin", "SIN", A, "ca", false;
    /// Australia: tax file number.
    AuTfn = "au_tfn", "TFN", A, "au", false;
    /// Australia: business number.
    AuAbn = "au_abn", "ABN", A, "au", false;
    /// Australia: company number.
    AuAcn = "au_acn", "ACN", A, "au", false;
    /// Australia: Medicare card.
    AuMedicare = "au_medicare", "MEDICARE", A, "au", false;
    /// India: Aadhaar.
    InAadhaar = "in_aadhaar", "AADHAAR", A, "in", false;
    /// India: permanent account number.
    InPan = "in_pan", "PAN", A, "in", false;
    /// India: goods and services tax number.
    InGstin = "in_gstin", "GSTIN", A, "in", false;
    /// India: voter's card.
    InVoter = "in_voter", "VOTER", B, "in", false;
    /// South Africa: identity number.
    ZaId = "za_id", "ZAID", A, "za", false;
    /// Sweden: personal number.
    SePersonnummer = "se_personnummer", "PERSONNR", A, "se", false;
    /// Sweden: organisation number.
    SeOrganisation = "se_organisation", "ORGNR", A, "se", false;
    /// Finland: personal identity code.
    FiHetu = "fi_hetu", "HETU", A, "fi", false;
    /// South Korea: resident registration number.
    KrRrn = "kr_rrn", "RRN", A, "kr", false;
    /// South Korea: foreigner registration number.
    KrFrn = "kr_frn", "FRN", A, "kr", false;
    /// South Korea: business registration number.
    KrBrn = "kr_brn", "BRN", A, "kr", false;
    /// Singapore: NRIC or FIN.
    SgNric = "sg_nric", "NRIC", A, "sg", false;
    /// Singapore: unique entity number.
    SgUen = "sg_uen", "UEN", A, "sg", false;
    /// Turkey: identity number.
    TrId = "tr_id", "TCKN", A, "tr", false;
    /// Thailand: identity number.
    ThId = "th_id", "THAIID", A, "th", false;
    /// Philippines: tax number.
    PhTin = "ph_tin", "PHTIN", B, "ph", false;
    /// China: resident identity number.
    CnId = "cn_id", "CNID", A, "cn", false;
    /// Japan: individual number.
    JpMyNumber = "jp_my_number", "MYNUMBER", A, "jp", false;
}

/// Other names that policies may use.
const ALIASES: &[(&str, Entity)] = &[
    ("e_mail", Entity::Email),
    ("card", Entity::CreditCard),
    ("ip", Entity::IpAddress),
    ("mac", Entity::MacAddress),
    ("crypto", Entity::CryptoWallet),
    ("wallet", Entity::CryptoWallet),
    ("phone_number", Entity::Phone),
    ("ssn", Entity::UsSsn),
    ("dob", Entity::BirthDate),
    ("birth_date", Entity::BirthDate),
    ("driver_license", Entity::DriverLicence),
    ("license_plate", Entity::LicencePlate),
    ("name", Entity::Person),
    ("postal_address", Entity::Address),
];

impl Entity {
    /// The kind of this name in a policy, such as `email` or its alias.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Entity> {
        let named = Entity::ALL.iter().find(|entity| entity.name() == name);
        named.copied().or_else(|| {
            let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
            alias.map(|(_, entity)| *entity)
        })
    }

    /// Its name in policies and reports, in `snake_case`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The word of its placeholders: at most ten upper-case ASCII letters.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.row().word
    }

    /// How far it can be trusted.
    #[must_use]
    pub const fn tier(self) -> Tier {
        self.row().tier
    }

    /// The country pack it belongs to, such as `de`; nothing for the kinds of all countries.
    #[must_use]
    pub fn country(self) -> Option<&'static str> {
        Some(self.row().pack).filter(|pack| !pack.is_empty())
    }

    /// Whether it is looked for when a policy names none.
    #[must_use]
    pub const fn is_default(self) -> bool {
        self.row().default
    }

    /// The kinds that are looked for when a policy names none.
    pub fn defaults() -> impl Iterator<Item = Entity> {
        Entity::ALL
            .iter()
            .copied()
            .filter(|entity| entity.is_default())
    }

    /// The kinds of one country's pack, such as `de`; none for an unknown country.
    pub fn pack(country: &str) -> impl Iterator<Item = Entity> + '_ {
        Entity::ALL
            .iter()
            .copied()
            .filter(move |entity| entity.country() == Some(country))
    }
}

/// The one form of a value that is written in several ways, so that the same value
/// always gets the same placeholder: e-mail in lower case, numbers without separators.
#[must_use]
pub fn normalise(entity: Entity, value: &str) -> Cow<'_, str> {
    let keep: fn(char) -> bool = match entity {
        Entity::Email | Entity::IpAddress => |_| true,
        Entity::CryptoWallet => return Cow::Borrowed(value),
        Entity::Phone => |c| c.is_ascii_digit() || c == '+',
        Entity::CreditCard => |c| c.is_ascii_digit(),
        Entity::BirthDate | Entity::Person | Entity::Address => |c| c.is_alphanumeric(),
        _ => |c| c.is_ascii_alphanumeric(),
    };
    let lower = |c: char| !c.is_ascii_uppercase() && keep(c);
    if value.chars().all(lower) {
        return Cow::Borrowed(value);
    }
    let kept = value.chars().filter(|c| keep(*c));
    Cow::Owned(kept.map(|c| c.to_ascii_lowercase()).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_and_word_is_given_once() {
        let mut names = BTreeSet::new();
        let mut words = BTreeSet::new();
        for entity in Entity::ALL {
            assert!(names.insert(entity.name()), "{entity:?}");
            assert!(words.insert(entity.word()), "{entity:?}");
            let word = entity.word();
            assert!(word.len() <= 10 && word.bytes().all(|b| b.is_ascii_uppercase()));
            assert_eq!(Entity::from_name(entity.name()), Some(*entity));
        }
        for (alias, _) in ALIASES {
            assert!(!names.contains(alias), "{alias} is a name already");
        }
    }

    #[test]
    fn aliases_of_policies_are_known() {
        for (alias, entity) in [
            ("ip", Entity::IpAddress),
            ("mac", Entity::MacAddress),
            ("crypto", Entity::CryptoWallet),
            ("ssn", Entity::UsSsn),
        ] {
            assert_eq!(Entity::from_name(alias), Some(entity));
        }
        assert_eq!(Entity::from_name("shoe_size"), None);
    }

    #[test]
    fn a_pack_holds_the_kinds_of_its_country_only() {
        assert!(Entity::pack("de").any(|entity| entity == Entity::DeTaxId));
        assert!(Entity::pack("de").all(|entity| entity.name().starts_with("de_")));
        assert_eq!(Entity::pack("xx").count(), 0);
    }

    #[test]
    fn two_ways_to_write_a_value_are_one_value() {
        let same = |entity, a, b| assert_eq!(normalise(entity, a), normalise(entity, b));
        same(Entity::Email, "Ann.Lee@Example.org", "ann.lee@example.org");
        same(
            Entity::CreditCard,
            "4111 1111 1111 1111",
            "4111111111111111",
        );
        same(
            Entity::Iban,
            "de89 3704 0044 0532 0130 00",
            "DE89370400440532013000",
        );
        same(Entity::Phone, "+49 (30) 901-820", "+4930901820");
        assert!(matches!(
            normalise(Entity::Email, "a@b.org"),
            Cow::Borrowed(_)
        ));
    }
}
