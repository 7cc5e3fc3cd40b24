//! Reads a body into its canonical form: the cursor with the few shapes that all
//! dialects are made of. Wrong shapes are refused with the field's path.

use std::borrow::Cow;

use crate::ask::{Extra, Raw, Str};
use crate::json::{Cursor, Kind, decode};
use crate::reading::{Stop, wrong_type};
use crate::text::Path;

/// A place in the body that is read.
pub(crate) struct Lift<'a> {
    text: &'a str,
    cursor: Cursor<'a>,
}

impl<'a> Lift<'a> {
    pub(crate) fn new(text: &'a str, at: usize) -> Self {
        Lift {
            text,
            cursor: Cursor::new(text, at),
        }
    }

    pub(crate) fn kind(&mut self) -> Result<Kind, Stop> {
        Ok(self.cursor.kind()?)
    }

    /// The byte where the next value begins.
    pub(crate) fn start(&mut self) -> Result<usize, Stop> {
        self.cursor.kind()?;
        Ok(self.cursor.at())
    }

    /// What was read since `start`.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.cursor.at()).unwrap_or_default()
    }

    /// The next value, whatever it is.
    pub(crate) fn raw(&mut self) -> Result<&'a str, Stop> {
        let span = self.cursor.skip()?;
        Ok(self.text.get(span).unwrap_or_default())
    }

    /// The next value; null counts as absent.
    pub(crate) fn maybe(&mut self) -> Result<Option<Raw<'a>>, Stop> {
        let kind = self.cursor.kind()?;
        let raw = self.raw()?;
        Ok((kind != Kind::Null).then_some(Cow::Borrowed(raw)))
    }

    /// A string; null counts as absent.
    pub(crate) fn string(&mut self, path: &Path<'_>) -> Result<Option<Str<'a>>, Stop> {
        let kind = self.cursor.kind()?;
        let raw = self.raw()?;
        match kind {
            Kind::String => Ok(Some(Str::json(raw))),
            Kind::Null => Ok(None),
            _ => wrong_type(&path.dotted(), "a string", kind),
        }
    }

    /// A boolean; null counts as absent.
    pub(crate) fn flag(&mut self, path: &Path<'_>) -> Result<Option<bool>, Stop> {
        let kind = self.cursor.kind()?;
        let raw = self.raw()?;
        match kind {
            Kind::Bool => Ok(Some(raw == "true")),
            Kind::Null => Ok(None),
            _ => wrong_type(&path.dotted(), "a boolean", kind),
        }
    }

    /// A number without a sign; anything else is nobody's limit.
    pub(crate) fn number(&mut self) -> Result<Option<u64>, Stop> {
        Ok(self.raw()?.parse().ok())
    }

    /// Reads every member of an object with `f`, which gets the name and the
    /// place of the value and must read it.
    pub(crate) fn object(
        &mut self,
        path: &Path<'_>,
        f: &mut dyn FnMut(&mut Self, &str, &Path<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let kind = self.cursor.kind()?;
        if kind != Kind::Object {
            return wrong_type(&path.dotted(), "an object", kind);
        }
        self.cursor.open_object()?;
        while let Some(key) = self.cursor.key()? {
            let key = decode(self.text.get(key).unwrap_or_default());
            f(self, &key, &path.key(&key))?;
        }
        Ok(())
    }

    /// Reads every element of an array with `f`, which gets its place and must
    /// read it; null counts as an empty one.
    pub(crate) fn array(
        &mut self,
        path: &Path<'_>,
        f: &mut dyn FnMut(&mut Self, &Path<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match self.cursor.kind()? {
            Kind::Array => {}
            Kind::Null => return self.raw().map(drop),
            kind => return wrong_type(&path.dotted(), "an array", kind),
        }
        self.cursor.open_array()?;
        let mut index = 0;
        while self.cursor.item()? {
            f(self, &path.index(index))?;
            index += 1;
        }
        Ok(())
    }

    /// Keeps a member that no field holds; null counts as absent.
    pub(crate) fn extra(&mut self, name: &str, extras: &mut Vec<Extra<'a>>) -> Result<(), Stop> {
        if let Some(value) = self.maybe()? {
            let name = Str::text(name);
            extras.push(Extra { name, value });
        }
        Ok(())
    }
}
