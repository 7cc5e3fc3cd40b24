//! Personal data by grammar, checksum and context.
