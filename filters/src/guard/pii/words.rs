//! The words that say what a number beside them is, per language. A language is a
//! table of rows; a word of five letters or more may go on (`telefon` in
//! `Telefonnummer`), a shorter one must stand whole.

use super::context::Topic;

/// Words of one language by their topic, in lower case.
pub(super) type Language = &'static [(Topic, &'static [&'static str])];

/// All languages.
pub(super) const ALL: &[Language] = &[
    ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH, POLISH,
];

const ENGLISH: Language = &[
    (
        Topic::NOT,
        &[
            "order",
            "ticket",
            "invoice",
            "version",
            "isbn",
            "issn",
            "score",
            "serial",
            "tracking",
            "sku",
            "build",
            "commit",
            "part",
            "model",
            "article",
            "batch",
            "revision",
            "reference",
            "ref",
            "issue",
            "case",
            "timestamp",
            "checksum",
            "hash",
            "doi",
            "rfc",
            "example",
            "room",
            "error",
            "port",
            "page",
            "pages",
            "chapter",
            "ratio",
            "result",
            "lot",
            "upc",
            "ean",
            "asin",
            "barcode",
            "item",
            "product",
            "request id",
            "build id",
            "job",
        ],
    ),
    (
        Topic::PHONE,
        &[
            "phone",
            "telephone",
            "tel",
            "mobile",
            "cell",
            "cellphone",
            "fax",
            "whatsapp",
            "sms",
            "call me",
            "hotline",
            "dial",
            "voicemail",
            "pager",
            "landline",
            "phone number",
            "contact number",
            "callback",
            "answering at",
            "texting",
            "contact no",
            "msisdn",
            "telepono",
            "phones",
            "ph",
            "ext",
            "reach me",
            "reach us",
            "my number",
            "signal",
        ],
    ),
    (
        Topic::CALL,
        &[
            "call", "calls", "ring", "text", "contact", "reach", "caller", "calling", "called",
        ],
    ),
    (
        Topic::CARD,
        &[
            "card",
            "credit",
            "debit",
            "visa",
            "mastercard",
            "amex",
            "cc",
            "american express",
            "maestro",
            "discover",
            "diners",
            "jcb",
            "pan",
            "payment",
        ],
    ),
    (
        Topic::IP,
        &["ip", "ipv4", "ipv6", "address", "host", "server", "subnet"],
    ),
    (
        Topic::VERSION,
        &[
            "version",
            "ver",
            "release",
            "build",
            "v",
            "firmware",
            "upgrade to",
            "updated to",
            "section",
            "driver",
            "chapter",
            "clause",
            "revision",
            "patch",
            "toolkit",
            "sdk",
        ],
    ),
    (
        Topic::BIRTH,
        &[
            "born",
            "dob",
            "birth",
            "birthday",
            "birthdate",
            "d.o.b",
            "birth date",
        ],
    ),
    (
        Topic::WALLET,
        &["wallet", "bitcoin", "btc", "eth", "ethereum", "crypto"],
    ),
    (Topic::PASSPORT, &["passport", "travel document"]),
    (
        Topic::LICENCE,
        &[
            "driver",
            "drivers",
            "driving",
            "licence number",
            "license number",
            "dl",
            "permit",
        ],
    ),
    (
        Topic::ACCOUNT,
        &[
            "account",
            "acct",
            "bank",
            "account number",
            "deposit",
            "checking",
            "savings",
            "a/c",
        ],
    ),
    (
        Topic::PLATE,
        &[
            "plate",
            "license plate",
            "licence plate",
            "registration",
            "number plate",
            "vehicle reg",
        ],
    ),
];

const GERMAN: Language = &[
    (
        Topic::NOT,
        &[
            "bestellung",
            "bestellnummer",
            "rechnung",
            "vorgang",
            "artikelnummer",
            "aktenzeichen",
            "seriennummer",
            "auftrag",
            "sendung",
            "beispiel",
        ],
    ),
    (
        Topic::PHONE,
        &[
            "telefon",
            "handy",
            "mobil",
            "rufnummer",
            "durchwahl",
            "anrufen",
            "rückruf",
            "festnetz",
            "telefax",
            "erreichbar unter",
            "ruf",
        ],
    ),
    (Topic::CARD, &["karte", "kreditkarte", "kartennummer"]),
    (
        Topic::BIRTH,
        &["geboren", "geburtsdatum", "geb", "geburtstag"],
    ),
    (Topic::PASSPORT, &["reisepass", "passnummer"]),
    (Topic::LICENCE, &["führerschein"]),
    (Topic::ACCOUNT, &["konto", "kontonummer"]),
    (Topic::PLATE, &["kennzeichen", "nummernschild"]),
];

const FRENCH: Language = &[
    (
        Topic::NOT,
        &[
            "commande",
            "facture",
            "numéro de série",
            "dossier",
            "exemple",
        ],
    ),
    (
        Topic::PHONE,
        &[
            "téléphone",
            "portable",
            "appelez",
            "appeler",
            "télécopie",
            "joindre au",
            "numéro de tél",
        ],
    ),
    (Topic::CARD, &["carte"]),
    (Topic::BIRTH, &["né le", "née le", "naissance"]),
    (Topic::PASSPORT, &["passeport"]),
    (Topic::LICENCE, &["permis"]),
    (Topic::ACCOUNT, &["compte"]),
    (Topic::PLATE, &["immatriculation", "plaque"]),
];

const SPANISH: Language = &[
    (
        Topic::NOT,
        &["pedido", "factura", "número de serie", "ejemplo"],
    ),
    (
        Topic::PHONE,
        &[
            "teléfono",
            "telefono",
            "móvil",
            "celular",
            "llame",
            "llamar",
            "llámame",
        ],
    ),
    (Topic::CARD, &["tarjeta"]),
    (Topic::BIRTH, &["nacido", "nacida", "nacimiento", "nació"]),
    (Topic::PASSPORT, &["pasaporte"]),
    (
        Topic::LICENCE,
        &["carnet de conducir", "permiso de conducir", "licencia"],
    ),
    (Topic::ACCOUNT, &["cuenta"]),
    (Topic::PLATE, &["matrícula", "matricula"]),
];

const ITALIAN: Language = &[
    (
        Topic::NOT,
        &["ordine", "fattura", "numero di serie", "esempio", "pratica"],
    ),
    (
        Topic::PHONE,
        &[
            "telefono",
            "cellulare",
            "chiama",
            "chiamare",
            "chiamami",
            "recapito",
        ],
    ),
    (Topic::CARD, &["carta"]),
    (Topic::BIRTH, &["nato il", "nata il", "nascita", "nato a"]),
    (Topic::PASSPORT, &["passaporto"]),
    (Topic::LICENCE, &["patente"]),
    (Topic::ACCOUNT, &["conto"]),
    (Topic::PLATE, &["targa"]),
];

const PORTUGUESE: Language = &[
    (
        Topic::NOT,
        &["encomenda", "fatura", "número de série", "exemplo"],
    ),
    (
        Topic::PHONE,
        &[
            "telefone",
            "telemóvel",
            "telemovel",
            "celular",
            "ligue",
            "ligar",
        ],
    ),
    (Topic::CARD, &["cartão", "cartao"]),
    (Topic::BIRTH, &["nascido", "nascida", "nascimento"]),
    (Topic::PASSPORT, &["passaporte"]),
    (Topic::LICENCE, &["carta de condução", "habilitação"]),
    (Topic::ACCOUNT, &["conta"]),
    (Topic::PLATE, &["matrícula", "placa"]),
];

const DUTCH: Language = &[
    (
        Topic::NOT,
        &[
            "bestelling",
            "factuur",
            "serienummer",
            "voorbeeld",
            "zaaknummer",
        ],
    ),
    (
        Topic::PHONE,
        &[
            "telefoon",
            "mobiel",
            "gsm",
            "bellen",
            "bel mij",
            "bereikbaar",
        ],
    ),
    (Topic::CARD, &["kaart"]),
    (Topic::BIRTH, &["geboren", "geboortedatum"]),
    (Topic::PASSPORT, &["paspoort"]),
    (Topic::LICENCE, &["rijbewijs"]),
    (Topic::ACCOUNT, &["rekening"]),
    (Topic::PLATE, &["kenteken"]),
];

const POLISH: Language = &[
    (
        Topic::NOT,
        &[
            "zamówienie",
            "zamówienia",
            "faktura",
            "numer seryjny",
            "przykład",
        ],
    ),
    (
        Topic::PHONE,
        &["telefon", "komórka", "komórkowy", "zadzwoń", "dzwonić"],
    ),
    (Topic::CARD, &["karta", "karty"]),
    (
        Topic::BIRTH,
        &["urodzony", "urodzona", "data urodzenia", "ur"],
    ),
    (Topic::PASSPORT, &["paszport"]),
    (Topic::LICENCE, &["prawo jazdy"]),
    (Topic::ACCOUNT, &["konto", "rachunek", "rachunku"]),
    (Topic::PLATE, &["rejestracyjny", "tablica"]),
];
