//! What a Claude can do, by the generation its name tells: thinking was asked
//! for in three ways so far, and the newest models take no sampling numbers.
//! Names that tell nothing are taken for the newest.

/// The two numbers in a name such as `claude-opus-4-6` or `claude-3-7-sonnet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation(u32, u32);

/// How thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinks {
    /// Not at all: the model cannot.
    Never,
    /// With a budget of tokens.
    ByBudget,
    /// `adaptive`, and a word of effort.
    ByEffort,
}

impl Generation {
    pub(super) fn of(model: &str) -> Generation {
        const NEWEST: Generation = Generation(u32::MAX, 0);
        let Some((_, name)) = model.split_once("claude") else {
            return NEWEST;
        };
        if name.contains("instant") {
            return Generation(1, 0);
        }
        let mut words = name.split(['-', '.', '@', ':', '_', '/', '[']);
        // A date has eight digits.
        let number = |word: &str| word.parse().ok().filter(|_| word.len() <= 2);
        match words.by_ref().find_map(number) {
            Some(major) => Generation(major, words.next().and_then(number).unwrap_or(0)),
            None => NEWEST,
        }
    }

    pub(super) fn thinks(self) -> Thinks {
        match self {
            _ if self < Generation(3, 7) => Thinks::Never,
            _ if self < Generation(4, 6) => Thinks::ByBudget,
            _ => Thinks::ByEffort,
        }
    }

    /// Whether `thinking: disabled` has to be said. The two generations between
    /// do not think unless asked, and were seen to refuse the word.
    pub(super) fn must_be_told_not_to_think(self) -> bool {
        self >= Generation(5, 0) || (Generation(3, 7)..Generation(4, 7)).contains(&self)
    }

    /// Whether it knows the effort `xhigh`.
    pub(super) fn knows_xhigh(self) -> bool {
        self >= Generation(4, 7)
    }

    /// Whether it takes `temperature`, `top_p` and `top_k`.
    pub(super) fn takes_sampling(self) -> bool {
        self < Generation(4, 7)
    }

    /// Whether it refuses `temperature` and `top_p` together.
    pub(super) fn takes_one_of_both(self) -> bool {
        self >= Generation(4, 1)
    }

    /// Whether tools may be strict.
    pub(super) fn takes_strict_tools(self) -> bool {
        self >= Generation(4, 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_is_read_from_every_kind_of_name() {
        for (name, expected) in [
            ("claude-3-7-sonnet-20250219", Generation(3, 7)),
            ("claude-3-opus-20240229", Generation(3, 0)),
            ("claude-2.1", Generation(2, 1)),
            ("claude-instant-v1", Generation(1, 0)),
            ("claude-sonnet-4-20250514", Generation(4, 0)),
            ("claude-opus-4-1-20250805", Generation(4, 1)),
            ("claude-sonnet-5", Generation(5, 0)),
            ("claude-fable-5-1", Generation(5, 1)),
            (
                "us.anthropic.claude-haiku-4-5-20251001-v1:0",
                Generation(4, 5),
            ),
            ("anthropic/claude-opus-4.6", Generation(4, 6)),
        ] {
            assert_eq!(Generation::of(name), expected, "{name}");
        }
        for unknown in ["claude-next", "house-model", ""] {
            assert_eq!(Generation::of(unknown).thinks(), Thinks::ByEffort);
        }
    }
}
