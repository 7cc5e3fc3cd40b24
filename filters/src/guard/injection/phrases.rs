//! The words and sequences of the rules: tables only. A word stands without
//! regard to case; words with accents are also listed as people type them without.
//! The numbers beside a sequence's class say how many other words may stand
//! between it and the one before.

/// A sequence of words of classes.
pub(super) struct Rule {
    /// Its name in logs.
    pub(super) name: &'static str,
    /// What it adds to the log-odds.
    pub(super) bonus: f32,
    /// Place of the class in [`CLASSES`], and the most words before it.
    pub(super) steps: &'static [(usize, u32)],
}

/// Markup that belongs to prompts alone.
pub(super) struct Literal {
    /// Its name in logs.
    pub(super) name: &'static str,
    /// What it adds to the log-odds.
    pub(super) bonus: f32,
    /// The text, without regard to ASCII case.
    pub(super) text: &'static str,
}

/// A meeting that is hardly ever honest.
const STRONG: f32 = 4.0;
/// A meeting that honest texts have at times.
const WEAK: f32 = 1.0;

const DROP: usize = 0;
const BEFORE: usize = 1;
const ORDERS: usize = 2;
const ALL: usize = 3;
const REVEAL: usize = 4;
const YOUR: usize = 5;
const SYSTEM: usize = 6;
const PROMPT: usize = 7;
const YOU: usize = 8;
const ARE: usize = 9;
const NOW: usize = 10;
const FREE: usize = 11;
const LIMITS: usize = 12;
const NEW: usize = 13;
const TASK: usize = 14;
const WITHOUT: usize = 15;
const PERSONA: usize = 16;
const FROM: usize = 17;
const ACT: usize = 18;
const STAY: usize = 19;
const CHARACTER: usize = 20;
const MODE: usize = 21;
const MODE_NAME: usize = 22;
const ENABLED: usize = 23;
const MODEL: usize = 24;
const MUST: usize = 25;
const FIRST: usize = 26;
const EVERYTHING: usize = 27;
const SAID: usize = 28;
const DAN_FULL_1: usize = 29;
const DAN_FULL_2: usize = 30;
const NOT: usize = 31;
const TELL: usize = 32;
const USER: usize = 33;
const ANYTHING: usize = 34;

/// Words by class; a word may stand in many. At most 64 classes.
pub(super) static CLASSES: &[&str] = &[
    // DROP
    "ignore ignores ignoring disregard disregarding forget forgetting override overrule bypass discard neglect \
     ignoriere ignorier ignorieren ignoriert vergiss vergesse vergessen missachte verwirf \
     ignorez ignore ignorer oublie oubliez oublier négligez \
     ignora ignorad ignore ignorar olvida olvídate olvidate olvide olvidar olvidad descarta desestima \
     ignorare ignorate dimentica dimenticate dimenticare scorda tralascia \
     ignorem esqueça esqueca esquece esqueçam desconsidere desconsidera \
     negeer negeren vergeet vergeten \
     zignoruj ignoruj zapomnij pomiń",
    // BEFORE
    "previous previously prior preceding above earlier before foregoing \
     vorherigen vorherige vorheriger vorigen bisherigen bisherige obigen obige früheren vorangegangenen vorangehenden zuvor vorher davor \
     précédentes précédente précédents précédent precedentes precedents antérieures ci-dessus dessus avant \
     anteriores anterior previas previos previa previo antes \
     precedenti precedente anteriori sopra prima \
     prévias acima \
     vorige voorgaande eerdere bovenstaande hiervoor \
     poprzednie poprzednich wcześniejsze powyższe wcześniejszych powyżej",
    // ORDERS
    "instruction instructions directions directives directive guidelines orders order commands prompt prompts rules programming training context assignments \
     anweisung anweisungen instruktion instruktionen befehle befehl vorgaben regeln aufgaben anordnungen \
     consignes consigne directives ordres règles regles instructions \
     instrucciones instruccion instrucción indicaciones órdenes ordenes reglas directrices \
     istruzioni istruzione ordini comandi regole indicazioni \
     instruções instrucoes instrução ordens regras comandos \
     instructies instructie opdrachten regels aanwijzingen bevelen \
     instrukcje instrukcji polecenia poleceń zasady reguły wytyczne",
    // ALL
    "all any every alle allen sämtliche toutes tous todas todos tutte tutti wszystkie wszystkich",
    // REVEAL
    "reveal print show repeat output display disclose leak expose share tell give write dump echo spell recite paste \
     zeige zeig nenne verrate wiederhole gib drucke \
     montre montrez affiche affichez révèle révélez revele répète répétez donne \
     muestra muéstrame muestrame revela repite dime imprime \
     mostra mostrami rivela ripeti stampa dimmi \
     mostre mostra revele repita \
     toon onthul herhaal geef \
     pokaż ujawnij powtórz wypisz podaj",
    // YOUR
    "your the its thy deine deinen dein ihre ihren ton ta tes votre vos le tu tus su sus tuo tua tuoi seu sua seus je jouw uw swój swoje swoją twój",
    // SYSTEM
    "system initial original hidden secret full complete entire underlying internal first \
     initiale initialen ursprünglichen versteckten système systeme initiales sistema inicial iniciales sistema iniziale iniciais systeem systemowy systemową początkowe",
    // PROMPT
    "prompt prompts instructions preprompt prompt_text prompt_texts systemprompt \
     anweisungen systemprompts consignes instrucciones istruzioni instruções instructies instrukcje promptu",
    // YOU
    "you du ihr tu vous usted tú você jij je ty u",
    // ARE
    "are bist sei êtes etes es eres será serás sei é és bent jesteś",
    // NOW
    "now jetzt nun ab désormais maintenant ahora adesso ora agora nu teraz od",
    // FREE
    "unfiltered uncensored unrestricted unlimited amoral unethical immoral jailbroken unchained unbound limitless unmoderated lawless evil \
     ungefiltert unzensiert uneingeschränkt",
    // LIMITS
    "restrictions restriction limitations limits filters filter censorship ethics ethical morals moral morality guidelines policies rules boundaries safeguards constraints \
     einschränkungen beschränkungen restrictions limites restricciones límites limitaciones restrizioni limiti restrições limites beperkingen ograniczeń",
    // NEW
    "new neue neuen neuer neues nouvelle nouvelles nouveau nueva nuevas nuevo nuevos nuova nuove nuovo nuovi nova novas novo novos nieuwe nowe nowych nowa",
    // TASK
    "task tasks instructions assignment orders aufgabe aufgaben anweisungen anweisung befehle tâche tâches instructions consignes tarea tareas instrucciones \
     compito compiti istruzioni tarefa tarefas instruções taak taken opdracht opdrachten instructies zadanie zadania polecenia instrukcje",
    // WITHOUT
    "without no any ohne keine sans aucune sin ninguna senza nessuna sem nenhuma zonder bez żadnych",
    // PERSONA
    "dan stan dude aim kevin mongo sydney jailbreak dans",
    // FROM
    "from ab à partir desde d'ora da vanaf od dès",
    // ACT
    "act pretend roleplay simulate behave impersonate respond answer reply \
     verhalte antworte spiele agis fais réponds actúa actua finge responde agisci comportati rispondi aja finja responda gedraag doe zachowuj udawaj",
    // STAY
    "stay remain keep break bleib bleibe reste permanece mantente resta fique blijf",
    // CHARACTER
    "character persona rolle personnage personaje personaggio personagem rol",
    // MODE
    "mode modus modo modalità tryb",
    // MODE_NAME
    "developer dev god debug admin root jailbreak maintenance unrestricted sudo entwickler développeur desarrollador sviluppatore desenvolvedor ontwikkelaar",
    // ENABLED
    "enabled enable activated activate active on unlocked engaged aktiviert activé activado attivata ativado",
    // MODEL
    "ai chatgpt gpt assistant chatbot model bot llm ki ia openai bard claude",
    // MUST
    "must shall should will have has need can cannot never always",
    // FIRST
    "first before ahead",
    // EVERYTHING
    "everything anything all alles tout todo tutto tudo wszystko wszystkim",
    // SAID
    "said told learned learnt instructed wrote discussed gesagt besprochen geschrieben erzählt gelernt dit dijo dicho dije detto disse dito gezegd powiedziałem vorher zuvor davor before above",
    // DAN_FULL_1
    "do",
    // DAN_FULL_2
    "anything",
    // NOT
    "not dont don't never no doesn doesnt isn aren",
    // TELL
    "tell inform notify warn let mention",
    // USER
    "user",
    // ANYTHING
    "anything",
];

/// The sequences.
pub(super) static SEQUENCES: [Rule; 22] = [
    Rule {
        name: "override",
        bonus: STRONG,
        steps: &[(DROP, 0), (BEFORE, 3), (ORDERS, 2)],
    },
    Rule {
        name: "override",
        bonus: STRONG,
        steps: &[(DROP, 0), (ALL, 1), (ORDERS, 3)],
    },
    Rule {
        name: "override",
        bonus: STRONG,
        steps: &[(DROP, 0), (ORDERS, 3), (BEFORE, 3)],
    },
    Rule {
        name: "override",
        bonus: STRONG,
        steps: &[(DROP, 0), (YOUR, 1), (ORDERS, 2)],
    },
    Rule {
        name: "override-all",
        bonus: STRONG,
        steps: &[(DROP, 0), (EVERYTHING, 1), (SAID, 4)],
    },
    Rule {
        name: "override-all",
        bonus: WEAK,
        steps: &[(DROP, 0), (EVERYTHING, 1), (BEFORE, 3)],
    },
    Rule {
        name: "new-task",
        bonus: WEAK,
        steps: &[(DROP, 0), (BEFORE, 5), (NEW, 14), (TASK, 2)],
    },
    Rule {
        name: "new-task",
        bonus: WEAK,
        steps: &[(DROP, 0), (EVERYTHING, 2), (NEW, 14), (TASK, 2)],
    },
    Rule {
        name: "prompt-leak",
        bonus: WEAK,
        steps: &[(REVEAL, 0), (YOUR, 3), (SYSTEM, 1), (PROMPT, 1)],
    },
    Rule {
        name: "prompt-leak",
        bonus: WEAK,
        steps: &[(REVEAL, 0), (YOUR, 4), (PROMPT, 0)],
    },
    Rule {
        name: "prompt-leak",
        bonus: WEAK,
        steps: &[(REVEAL, 0), (BEFORE, 3), (PROMPT, 2)],
    },
    Rule {
        name: "role",
        bonus: WEAK,
        steps: &[(YOU, 0), (ARE, 1), (NOW, 0), (PERSONA, 3)],
    },
    Rule {
        name: "role",
        bonus: STRONG,
        steps: &[(YOU, 0), (ARE, 1), (NOW, 0), (FREE, 5)],
    },
    Rule {
        name: "persona",
        bonus: STRONG,
        steps: &[(ACT, 0), (PERSONA, 3), (ANYTHING, 12), (NOW, 0)],
    },
    Rule {
        name: "persona",
        bonus: STRONG,
        steps: &[(DAN_FULL_1, 0), (DAN_FULL_2, 0), (NOW, 0), (MUST, 40)],
    },
    Rule {
        name: "unbound",
        bonus: WEAK,
        steps: &[(MODEL, 0), (WITHOUT, 6), (LIMITS, 3)],
    },
    Rule {
        name: "unbound",
        bonus: WEAK,
        steps: &[(FREE, 0), (MODEL, 3)],
    },
    Rule {
        name: "mode",
        bonus: WEAK,
        steps: &[(MODE_NAME, 0), (MODE, 0), (ENABLED, 2)],
    },
    Rule {
        name: "character",
        bonus: WEAK,
        steps: &[(STAY, 0), (NOT, 9), (CHARACTER, 9)],
    },
    Rule {
        name: "hide-from-user",
        bonus: WEAK,
        steps: &[(NOT, 0), (TELL, 2), (USER, 2)],
    },
    Rule {
        name: "before-you",
        bonus: WEAK,
        steps: &[(BEFORE, 0), (YOU, 1), (MUST, 1), (TASK, 9), (FIRST, 30)],
    },
    Rule {
        name: "role",
        bonus: WEAK,
        steps: &[(FROM, 0), (NOW, 0), (YOU, 3), (PERSONA, 6)],
    },
];

/// The markup. All of it begins with `<` or `[`, which keeps the search fast.
pub(super) static LITERALS: &[Literal] = &[
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "<|im_start|>",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "<|im_end|>",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "<|system|>",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "<|start_header_id|>",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "<|eot_id|>",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "<|endoftext|>",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "<start_of_turn>",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "<<SYS>>",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "[INST]",
    },
    Literal {
        name: "chat-token",
        bonus: WEAK,
        text: "[/INST]",
    },
    Literal {
        name: "fake-block",
        bonus: STRONG,
        text: "<information>",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "<important>",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "<system>",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "</system>",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "<admin>",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "<!--system",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "<!-- system",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "[system]",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "[system message",
    },
    Literal {
        name: "fake-block",
        bonus: WEAK,
        text: "[system override",
    },
];
