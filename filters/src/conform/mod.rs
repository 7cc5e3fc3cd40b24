//! Checkers of wire grammars. They judge what a provider or a gateway sends by the
//! grammar alone, one event at a time, and share no code with the writers: a writer
//! that is wrong must not be judged by itself.

pub mod responses;
