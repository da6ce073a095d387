//! Sets up structured logging.
