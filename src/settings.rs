//! Process settings: defaults < file < environment < flags, parsed once into types.
