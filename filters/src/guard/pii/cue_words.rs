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
    (Cue::Lives, &["wohnhaft", "wohne in", "wohnt in", "wohne im", "wohnt im",
        "wohne am", "wohnt am", "adresse ist", "adresse lautet", "anschrift lautet", "anschrift ist", "lieferung an",
        "wohnhaft am"]),
    (Cue::Place, &["anschrift", "adresse", "wohnort", "lieferadresse", "rechnungsadresse", "postanschrift", "wohnadresse", "straße", "strasse"]),
];

#[rustfmt::skip]
const FRENCH: Phrases = &[
    (Cue::Named, &["je m'appelle", "je m’appelle", "il s'appelle", "il s’appelle", "elle s'appelle", "elle s’appelle", "mon nom est",
        "son nom est", "appelez-moi", "prénom est"]),
    (Cue::Title, &["monsieur", "madame", "mademoiselle", "mme", "mlle", "maître"]),
    (Cue::Field, &["prénom", "nom de famille", "nom et prénom", "nom complet", "titulaire", "bénéficiaire", "patiente"]),
    (Cue::AnyField, &["nom", "expéditeur", "destinataire"]),
    (Cue::Greeting, &["cher", "chère", "bonjour", "bonsoir", "salut", "coucou"]),
    (Cue::Closing, &["cordialement", "salutations", "bien à vous", "bien à toi", "amicalement", "merci", "à bientôt", "bises"]),
    (Cue::Lives, &["j'habite au", "j’habite au", "habite à", "j'habite", "j’habite", "demeurant",
        "domicilié au", "domiciliée au", "réside au", "résidant au", "adresse est", "livrer au"]),
    (Cue::Place, &["adresse postale", "domicile", "adresse de livraison", "adresse de facturation"]),
];

#[rustfmt::skip]
const SPANISH: Phrases = &[
    (Cue::Named, &["me llamo", "mi nombre es", "su nombre es", "él se llama", "ella se llama", "llámame"]),
    (Cue::Title, &["señor", "señora", "señorita", "sr", "sra", "srta", "don", "doña"]),
    (Cue::Field, &["nombre completo", "nombre y apellidos", "apellidos", "apellido", "titular", "paciente", "beneficiario"]),
    (Cue::AnyField, &["nombre", "remitente", "destinatario", "cliente"]),
    (Cue::Greeting, &["estimado", "estimada", "querido", "querida", "hola", "buenos días", "buenas tardes"]),
    (Cue::Closing, &["atentamente", "saludos", "un cordial saludo", "gracias", "un abrazo"]),
    (Cue::Lives, &["vivo en", "vive en", "domicilio en", "residente en", "resido en", "reside en",
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
    (Cue::Lives, &["woon op", "woont op", "woon aan", "woont aan", "woon in", "woont in", "woonachtig",
        "wonende te", "adres is"]),
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

/// Words with a capital that are nobody's name where one is expected: people without
/// a name, salutations, beginnings of sentences, days, peoples, things. In lower case and in order.
#[rustfmt::skip]
pub(super) const NOBODY_WORDS: &[&str] = &[
    "a", "address", "admin", "administrator", "african", "again", "ai", "alexa", "all", "alle", "also", "american", "amici",
    "amigo", "amigos", "amis", "and", "any", "are", "as", "asian", "assistant", "at", "avv", "bank", "best", "beste", "bitte",
    "bonjour", "bonsoir", "bot", "buongiorno", "but", "by", "can", "cara", "caro", "chat", "chatgpt", "cher", "chère", "ciao",
    "city", "client", "cliente", "colleague", "colleagues", "collega", "company", "computer", "coucou", "could",
    "country", "customer", "customers", "cześć", "dad", "damen", "das", "date", "de", "dear", "december", "department", "der",
    "dhr", "diary", "did", "die", "do", "doctor", "does", "dona", "dott", "doña", "dr", "dra", "droga", "drogi", "e-mail", "editor",
    "een", "egregio", "ein", "eine", "el", "elle", "email", "english", "equipe", "equipo", "estimada", "estimado", "european",
    "everybody", "everyone", "false", "father", "february", "fellow", "first", "folks", "for", "fr", "frau", "french", "freunde",
    "friday", "friend", "friends", "from", "fräulein", "geachte", "gemini", "gentile", "gentlemen", "german", "gli", "god",
    "goedemiddag", "goedemorgen", "good", "google", "gpt", "grandma", "great", "group", "grüezi", "guest", "guys", "hallo", "he",
    "heer", "hello", "her", "here", "herr", "herren", "herrn", "het", "hey", "hi", "hiring", "his", "hoi", "hola", "hospital",
    "how", "hr", "human", "i", "i'm", "ich", "iedereen", "if", "ihr", "ihre", "ik", "il", "in", "ing", "is", "it", "its", "ja",
    "january", "je", "jesus", "july", "just", "kind", "klant", "kliencie", "kollege", "kollegen", "kunde", "kundin", "la", "ladies",
    "las", "last", "le", "les", "let", "leute", "liebe", "lieber", "lo", "lord", "los", "madam", "madame", "mademoiselle",
    "manager", "march", "maître", "member", "members", "meneer", "message", "mevr", "mevrouw", "miss", "mister", "mlle", "mme",
    "moin", "mom", "monday", "monde", "mondo", "monsieur", "mother", "mr", "mrs", "ms", "mum", "mundo", "mw", "my", "n/a", "na",
    "name", "neighbor", "neighbour", "new", "next", "no", "none", "not", "nous", "november", "now", "null", "number", "o",
    "october", "of", "office", "oi", "old", "olá", "on", "one", "openai", "or", "order", "os", "our", "pan", "pana", "panem",
    "pani", "panie", "panią", "panu", "państwo", "pessoal", "phone", "please", "president", "prezada", "prezado", "product", "prof",
    "professor", "project", "prospective", "querida", "querido", "reader", "recruiter", "regards", "resources", "sales", "salut",
    "salve", "santa", "saturday", "school", "senhor", "senhora", "senhores", "september", "service", "servus", "señor", "señora",
    "señores", "señorita", "she", "si", "sie", "sig", "signor", "signora", "signore", "signori", "signorina", "sincerely", "sir",
    "siri", "sirs", "so", "some", "sr", "sra", "srta", "staff", "street", "student", "students", "subject", "sunday", "support",
    "teacher", "team", "thank", "thanks", "that", "the", "their", "then", "there", "these", "they", "this", "those", "thursday",
    "title", "to", "todos", "tous", "true", "tuesday", "tutti", "two", "type", "u", "um", "uma", "un", "una", "und", "une",
    "university", "unknown", "user", "users", "valued", "version", "vous", "w", "was", "we", "wednesday", "welt", "wenn", "wereld",
    "what", "when", "where", "which", "who", "why", "wie", "wij", "wir", "witaj", "with", "wo", "world", "would", "wszyscy", "yes",
    "yo", "you", "your", "zusammen", "équipe", "świecie",
];

/// Words in lower case that may stand within a name, in order.
#[rustfmt::skip]
pub(super) const PARTICLE_WORDS: &[&str] = &[
    "af", "al", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "la", "le", "ten", "ter",
    "van", "von", "y", "zu",
];

/// Words in lower case that may lead to a street and are no part of it, in order.
#[rustfmt::skip]
pub(super) const SMALL_WORDS: &[&str] = &[
    "aan", "at", "au", "de", "dem", "den", "der", "en", "het", "im", "in", "la", "na", "no", "on", "op", "te", "the", "w",
];

/// Words in lower case that may stand within the name of a street, in order.
#[rustfmt::skip]
pub(super) const STREET_WORDS: &[&str] = &[
    "al", "aleja", "allee", "allée", "am", "an", "apartment", "apt", "av", "avda", "ave", "avenida", "avenue", "bd", "bis",
    "boulevard", "box", "calle", "carrer", "cedex", "chemin", "corso", "cours", "da", "das", "de", "dei", "del", "della", "delle",
    "dello", "dem", "den", "der", "des", "di", "do", "dos", "drive", "du", "e", "el", "estrada", "floor", "gasse", "gracht", "het",
    "im", "impasse", "in", "la", "laan", "lane", "largo", "las", "le", "les", "los", "nr", "número", "os", "osiedle", "paseo",
    "piazza", "piso", "pl", "place", "platz", "plaza", "plein", "praça", "quai", "rd", "road", "rua", "rue", "st", "str", "straat",
    "strasse", "straße", "street", "suite", "travessa", "ul", "ulica", "unit", "van", "via", "viale", "vicolo", "weg", "y", "zum",
    "zur", "à",
];
