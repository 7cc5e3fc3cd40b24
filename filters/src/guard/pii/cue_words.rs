//! The phrases behind which a name or a postal address stands, per language and in
//! lower case. A phrase stands whole: `herr` is none in `Herrschaft`.

/// What stands behind a phrase, and how it is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// `my name is Ann Lee`.
    Named,
    /// `Mr. Lee`: the phrase has a capital itself.
    Title,
    /// `Full name: Ann Lee`.
    Field,
    /// `Name: Ann Lee`, which may be the name of anything.
    AnyField,
    /// `Dear Ann,`.
    Greeting,
    /// `Kind regards,` and the name on a line of its own.
    Closing,
    /// `I live at 12 High Street`.
    Lives,
    /// `Address: 12 High Street`.
    Place,
}

/// Phrases of one language by what stands behind them.
pub(super) type Phrases = &'static [(Cue, &'static [&'static str])];

/// All languages.
pub(super) const ALL: &[Phrases] = &[
    ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH, POLISH,
];

#[rustfmt::skip]
const ENGLISH: Phrases = &[
    (Cue::Named, &["my name is", "my name's", "his name is", "her name is", "their name is", "the name is", "whose name is",
        "first name is", "last name is", "full name is", "maiden name is", "surname is", "my name was", "call me", "i am called",
        "contact person is", "speak to", "speak with"]),
    (Cue::Title, &["mr", "mrs", "ms", "miss", "dr", "prof", "professor", "mister", "madam", "sir"]),
    (Cue::Field, &["full name", "first name", "last name", "surname", "family name", "given name", "middle name",
        "patient", "patient name", "customer name", "client name", "contact person", "cardholder", "cardholder name",
        "employee name", "account holder", "full_name", "first_name", "last_name", "firstname", "lastname", "fullname",
        "beneficiary", "recipient", "signed", "attn", "maiden name", "applicant"]),
    (Cue::AnyField, &["name", "contact", "customer", "from", "to", "author", "client"]),
    (Cue::Greeting, &["dear", "hi", "hello", "hey", "good morning", "good afternoon", "good evening"]),
    (Cue::Closing, &["regards", "sincerely", "yours truly", "yours faithfully", "best wishes", "all the best",
        "thanks", "thank you", "cheers", "best", "yours", "respectfully", "love"]),
    (Cue::Lives, &["live at", "lives at", "lived at", "living at", "located at", "reside at", "resides at", "residing at",
        "address is", "address to", "ship to", "deliver to", "lives on", "live on",
        "address was"]),
    (Cue::Place, &["address", "home address", "mailing address", "billing address", "shipping address", "residence"]),
];

#[rustfmt::skip]
const GERMAN: Phrases = &[
    (Cue::Named, &["ich heiße", "ich heisse", "er heißt", "sie heißt", "er heisst", "sie heisst", "mein name ist", "sein name ist",
        "ihr name ist", "mein name lautet", "nachname ist", "vorname ist"]),
    (Cue::Title, &["herr", "herrn", "frau", "fräulein", "hr", "fr"]),
    (Cue::Field, &["vorname", "nachname", "familienname", "vor- und nachname", "ansprechpartner", "ansprechpartnerin",
        "kontoinhaber", "karteninhaber", "patientin", "versicherte", "versicherter", "geburtsname", "antragsteller"]),
    (Cue::AnyField, &["kunde", "kundin", "absender", "empfänger", "kontakt"]),
    (Cue::Greeting, &["liebe", "lieber", "hallo", "guten tag", "guten morgen", "moin", "servus", "grüezi"]),
    (Cue::Closing, &["grüßen", "grüße", "grüssen", "grüsse", "gruß", "gruss", "hochachtungsvoll", "danke", "lg", "mfg", "vg"]),
    (Cue::Lives, &["wohnhaft in", "wohnhaft", "wohne in", "wohnt in", "wohne in der", "wohnt in der", "wohne im", "wohnt im",
        "wohne am", "wohnt am", "adresse ist", "adresse lautet", "anschrift lautet", "anschrift ist", "lieferung an",
        "wohnhaft in der", "wohnhaft im", "wohnhaft am"]),
    (Cue::Place, &["anschrift", "adresse", "wohnort", "lieferadresse", "rechnungsadresse", "postanschrift", "wohnadresse", "straße", "strasse"]),
];

#[rustfmt::skip]
const FRENCH: Phrases = &[
    (Cue::Named, &["m'appelle", "m’appelle", "il s'appelle", "il s’appelle", "elle s'appelle", "elle s’appelle", "mon nom est",
        "son nom est", "appelez-moi", "prénom est"]),
    (Cue::Title, &["monsieur", "madame", "mademoiselle", "mme", "mlle", "maître"]),
    (Cue::Field, &["prénom", "nom de famille", "nom et prénom", "nom complet", "titulaire", "bénéficiaire", "patiente"]),
    (Cue::AnyField, &["nom", "expéditeur", "destinataire"]),
    (Cue::Greeting, &["cher", "chère", "bonjour", "bonsoir", "salut", "coucou"]),
    (Cue::Closing, &["cordialement", "salutations", "sincères salutations", "bien à vous", "bien à toi", "amicalement", "merci", "à bientôt", "bises"]),
    (Cue::Lives, &["j'habite au", "j’habite au", "habite au", "habite à", "j'habite", "j’habite", "demeurant", "demeurant au",
        "domicilié au", "domiciliée au", "réside au", "résidant au", "adresse est", "adresse est le", "livrer au"]),
    (Cue::Place, &["adresse postale", "domicile", "adresse de livraison", "adresse de facturation"]),
];

#[rustfmt::skip]
const SPANISH: Phrases = &[
    (Cue::Named, &["me llamo", "mi nombre es", "su nombre es", "él se llama", "ella se llama", "llámame"]),
    (Cue::Title, &["señor", "señora", "señorita", "sr", "sra", "srta", "don", "doña"]),
    (Cue::Field, &["nombre completo", "nombre y apellidos", "apellidos", "apellido", "titular", "paciente", "beneficiario"]),
    (Cue::AnyField, &["nombre", "remitente", "destinatario", "cliente"]),
    (Cue::Greeting, &["estimado", "estimada", "querido", "querida", "hola", "buenos días", "buenas tardes"]),
    (Cue::Closing, &["atentamente", "saludos", "un saludo", "un cordial saludo", "saludos cordiales", "gracias", "un abrazo"]),
    (Cue::Lives, &["vivo en", "vive en", "vivo en la", "vive en la", "domicilio en", "residente en", "resido en", "reside en",
        "dirección es", "enviar a", "ubicado en", "ubicada en"]),
    (Cue::Place, &["dirección", "direccion", "domicilio", "dirección de envío"]),
];

#[rustfmt::skip]
const ITALIAN: Phrases = &[
    (Cue::Named, &["mi chiamo", "mio nome è", "suo nome è", "lui si chiama", "lei si chiama", "chiamami"]),
    (Cue::Title, &["signor", "signora", "signorina", "sig", "sig.ra", "dott", "dott.ssa", "ing", "avv"]),
    (Cue::Field, &["cognome", "nome e cognome", "nome completo", "intestatario", "titolare"]),
    (Cue::AnyField, &["nome", "mittente"]),
    (Cue::Greeting, &["gentile", "caro", "cara", "ciao", "buongiorno", "salve", "egregio"]),
    (Cue::Closing, &["cordiali saluti", "distinti saluti", "un saluto", "saluti", "grazie", "cordialmente"]),
    (Cue::Lives, &["abito in", "abita in", "residente in", "vivo in", "vive in", "domiciliato in", "domiciliata in",
        "indirizzo è", "spedire a", "risiedo in"]),
    (Cue::Place, &["indirizzo", "residenza", "domicilio fiscale"]),
];

#[rustfmt::skip]
const PORTUGUESE: Phrases = &[
    (Cue::Named, &["meu nome é", "seu nome é", "nome dele é", "nome dela é", "chamo-me", "me chamo", "ele se chama", "ela se chama"]),
    (Cue::Title, &["senhor", "senhora", "sra", "dona", "dra"]),
    (Cue::Field, &["sobrenome", "nome e sobrenome"]),
    (Cue::AnyField, &["remetente", "destinatário"]),
    (Cue::Greeting, &["prezado", "prezada", "olá", "oi", "bom dia", "boa tarde"]),
    (Cue::Closing, &["atenciosamente", "cumprimentos", "abraços", "um abraço", "obrigado", "obrigada", "cordialmente"]),
    (Cue::Lives, &["moro na", "moro no", "mora na", "mora no", "resido na", "reside na", "residente na", "residente no",
        "endereço é", "morada é", "enviar para", "vivo na"]),
    (Cue::Place, &["endereço", "morada", "endereço de entrega"]),
];

#[rustfmt::skip]
const DUTCH: Phrases = &[
    (Cue::Named, &["mijn naam is", "zijn naam is", "haar naam is", "ik heet", "hij heet", "zij heet", "noem mij", "noem me"]),
    (Cue::Title, &["heer", "mevrouw", "dhr", "mevr", "mw", "meneer"]),
    (Cue::Field, &["voornaam", "achternaam", "volledige naam", "contactpersoon", "rekeninghouder"]),
    (Cue::AnyField, &["naam", "afzender", "ontvanger", "klant"]),
    (Cue::Greeting, &["beste", "geachte", "hoi", "goedemorgen", "goedemiddag"]),
    (Cue::Closing, &["vriendelijke groet", "vriendelijke groeten", "groeten", "groet", "hoogachtend", "bedankt", "groetjes"]),
    (Cue::Lives, &["woon op", "woont op", "woon aan", "woont aan", "woon in", "woont in", "woonachtig", "woonachtig te",
        "woonachtig op", "wonende te", "adres is", "woon aan de", "woont aan de", "woon in de", "woont in de"]),
    (Cue::Place, &["adres", "woonadres", "postadres", "bezorgadres"]),
];

#[rustfmt::skip]
const POLISH: Phrases = &[
    (Cue::Named, &["nazywam się", "nazywa się", "mam na imię", "ma na imię", "imię to", "nazwisko to"]),
    (Cue::Title, &["pan", "pani", "pana", "panem", "panią", "panie", "panu"]),
    (Cue::Field, &["imię i nazwisko", "imię", "nazwisko", "pacjent", "pacjentka", "odbiorca"]),
    (Cue::AnyField, &["nadawca", "klient"]),
    (Cue::Greeting, &["drogi", "droga", "szanowny panie", "szanowna pani", "cześć", "witaj", "dzień dobry"]),
    (Cue::Closing, &["pozdrawiam", "z poważaniem", "pozdrowienia", "dziękuję"]),
    (Cue::Lives, &["mieszkam przy", "mieszka przy", "mieszkam na", "mieszka na", "mieszkam w", "mieszka w", "zamieszkały przy",
        "zamieszkała przy", "zamieszkały", "zamieszkała", "zam", "adres to", "mieszkam pod adresem"]),
    (Cue::Place, &["adres zamieszkania", "adres do wysyłki"]),
];

/// Words with a capital that are nobody's name where one is expected, in lower case.
#[rustfmt::skip]
pub(super) const NOBODY: &[&str] = &[
    // People without a name.
    "all", "assistant", "team", "everyone", "everybody", "customer", "customers", "client", "user", "users", "friend", "friends",
    "sir", "sirs", "madam", "madame", "manager", "hiring", "colleague", "colleagues", "reader", "support", "service", "sales",
    "president", "doctor", "teacher", "student", "students", "guest", "member", "members", "god", "lord", "jesus", "santa", "diary",
    "mom", "mum", "dad", "mother", "father", "grandma", "world", "folks", "guys", "ladies", "gentlemen", "staff", "human",
    "resources", "admin", "administrator", "recruiter", "editor", "neighbor", "neighbour", "valued", "prospective", "fellow",
    "chatgpt", "gpt", "chat", "claude", "gemini", "bot", "ai", "computer", "siri", "alexa", "google", "openai",
    "herr", "frau", "damen", "herren", "kunde", "kundin", "kollege", "kollegen", "welt", "zusammen", "alle", "leute", "freunde",
    "monsieur", "monde", "tous", "cliente", "amis", "équipe", "señor", "señora", "señores", "mundo", "amigo", "amigos", "todos",
    "equipo", "signore", "signori", "mondo", "amici", "tutti", "senhor", "senhora", "senhores", "pessoal", "equipe", "wereld",
    "iedereen", "klant", "heer", "mevrouw", "collega", "państwo", "wszyscy", "świecie", "kliencie", "panie", "pani",
    // Words that begin sentences.
    "the", "a", "this", "that", "these", "those", "there", "here", "it", "its", "is", "are", "was", "what", "how", "why",
    "when", "where", "who", "which", "i", "i'm", "we", "you", "he", "she", "they", "my", "your", "our", "his", "her", "their",
    "please", "can", "could", "would", "do", "does", "did", "not", "no", "yes", "so", "if", "and", "or", "but", "for",
    "in", "on", "at", "to", "from", "of", "as", "by", "with", "thanks", "thank", "dear", "hello", "hi", "hey", "let", "just",
    "again", "some", "any", "one", "two", "first", "next", "last", "good", "best", "kind", "great", "also", "then", "now",
    "mr", "mrs", "ms", "miss", "dr", "prof", "regards", "sincerely", "unknown", "none", "null", "true", "false", "n/a", "name",
    "der", "die", "das", "ein", "eine", "ich", "wir", "sie", "ihr", "ihre", "bitte", "wie", "wo", "wenn", "und",
    "le", "la", "les", "un", "une", "je", "nous", "vous", "il", "elle", "el", "los", "las", "una", "yo", "si", "lo", "gli",
    "o", "os", "um", "uma", "de", "het", "een", "ik", "wij", "u", "ja", "w", "na",
    // Days, months, peoples and what forms name.
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march",
    "july", "september", "october", "november", "december", "american", "english", "german", "french", "european",
    "asian", "african", "number", "date", "phone", "email", "e-mail", "address", "company", "city", "country", "street", "title",
    "subject", "message", "order", "product", "project", "version", "type", "new", "old",
    "department", "university", "school", "hospital", "group", "bank", "office",
];

/// Words in lower case that may stand within a name.
pub(super) const PARTICLES: &[&str] = &[
    "von", "van", "der", "den", "de", "da", "das", "dos", "do", "del", "della", "di", "du", "la",
    "le", "ten", "ter", "zu", "y", "bin", "al", "el", "af",
];

/// Words in lower case that may lead to a street and are no part of it.
pub(super) const SMALL: &[&str] = &[
    "at", "in", "on", "the", "la", "de", "im", "der", "den", "dem", "au", "en", "no", "na", "w",
    "te", "op", "aan", "het",
];

/// Words in lower case that may stand within the name of a street.
#[rustfmt::skip]
pub(super) const STREETS: &[&str] = &[
    "street", "st", "road", "rd", "avenue", "ave", "lane", "drive", "apt", "apartment", "suite", "floor", "unit", "box",
    "str", "straße", "strasse", "weg", "platz", "gasse", "allee", "am", "an", "der", "den", "dem", "im", "in", "zum", "zur",
    "rue", "boulevard", "bd", "place", "chemin", "allée", "impasse", "quai", "cours", "de", "du", "des", "la", "le", "les",
    "bis", "cedex", "à", "calle", "avda", "av", "avenida", "plaza", "paseo", "carrer", "y", "del", "los", "las",
    "el", "piso", "via", "viale", "piazza", "corso", "largo", "vicolo", "di", "della", "dei", "delle", "dello",
    "rua", "travessa", "praça", "estrada", "da", "das", "do", "dos", "e", "straat", "laan", "plein", "gracht",
    "van", "het", "ul", "ulica", "al", "aleja", "pl", "os", "osiedle", "nr", "número",
];
